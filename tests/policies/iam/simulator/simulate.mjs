// Reads simulations as a JSON list, and answers with the list of their results.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const place = pathToFileURL(process.argv[2] + '/@cloud-copilot/iam-simulate/dist/esm/index.js')
const { runSimulation } = await import(place.href)
const answers = []
for (const simulation of JSON.parse(readFileSync(0, 'utf8'))) {
  const answer = await runSimulation(simulation, {})
  answers.push(answer.errors ? JSON.stringify(answer.errors) : answer.overallResult)
}
process.stdout.write(JSON.stringify(answers))
