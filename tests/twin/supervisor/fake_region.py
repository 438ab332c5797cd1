"""A region server that speaks only the control protocol, for tests of the supervisor.

Run as ``python fake_region.py --config FILE``. It keeps the operations it was asked for in
``asked.jsonl`` of its state directory.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any


async def main(config: dict[str, Any]) -> None:
    home = Path(config["state_dir"])
    cut = set(config["cut"])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            request = json.loads(line)
            reply: dict[str, object] = {"id": request["id"], "ok": True}
            with (home / "asked.jsonl").open("a") as asked:
                asked.write(json.dumps({**request, "cut": sorted(cut)}) + "\n")
            match request["op"]:
                case "cut":
                    cut.add(request["peer"])
                case "heal":
                    cut.discard(request["peer"])
                case "catch_up" if (home / "cannot-catch-up").exists():
                    reply = {"id": request["id"], "ok": False, "error": "no peer answers"}
                case "status":
                    reply["pending"] = [{"resource": "state", "peer": "us-west-2", "items": 3}]
                    reply["sent"] = [{"resource": "state", "peer": "us-west-2", "sent_bytes": 70}]
                case _:
                    pass
            if request["token"] != config["token"]:
                reply = {"id": request["id"], "ok": False, "error": "wrong token"}
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()
        writer.close()

    if (home / "cannot-start").exists():
        sys.exit("the emulator is not installed")
    server = await asyncio.start_server(serve, config["host"], config["peer_port"])
    api = await asyncio.start_server(lambda _r, w: w.close(), config["host"], config["api_port"])
    async with server, api:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[2]).read_text())))
