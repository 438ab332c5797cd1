"""EC2 routing: route tables, routes, and which subnet uses which table."""

import zlib
from collections.abc import Iterator

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.ec2 import (
    DROPPED,
    all_refused,
    arn,
    find_one,
    tag_specification,
    tags_of,
    update_tags,
)
from holdfast.twin.provider.rules import needed, one_of
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, refused
from holdfast.twin.provider.values import Doc, Object

_GONE = ("InvalidRouteTableID.NotFound", "InvalidRoute.NotFound")
_TARGETS = {
    "gatewayId": "GatewayId",
    "natGatewayId": "NatGatewayId",
}
"""Where a route may lead, and what the API calls it."""


class RouteTable(ResourceType):
    """A table of routes."""

    type_name = "aws:ec2/routeTable:RouteTable"
    properties = declared(
        {
            "propagatingVgws": refused("the twin has no VPN gateways"),
            "routes": refused("inline routes fight with `aws.ec2.Route`; use that"),
            "tags": kept(),
            "vpcId": kept(replaces=True),
        }
    )

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateRouteTable``."""
        answer = site.call(
            "ec2",
            "create_route_table",
            VpcId=inputs.text("vpcId"),
            TagSpecifications=tag_specification("route-table", inputs),
        )
        return answer.doc("RouteTable").text("RouteTableId")

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``DescribeRouteTables``. Routes are resources of their own."""
        del state
        table = _table(site, ident)
        if table is None:
            return None
        return {
            "arn": arn(site, "route-table", ident),
            "vpcId": table.text("VpcId"),
            "ownerId": table.text("OwnerId"),
            "tagsAll": tags_of(table),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Tags."""
        update_tags(site, ident, old, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteRouteTable``."""
        del state
        site.find(_GONE, "ec2", "delete_route_table", RouteTableId=ident)


class Route(ResourceType):
    """One route of a table."""

    type_name = "aws:ec2/route:Route"
    delete_first = True
    properties = declared(
        {
            "destinationCidrBlock": kept(replaces=True),
            "gatewayId": kept(),
            "natGatewayId": kept(),
            "routeTableId": kept(replaces=True),
            **all_refused(
                DROPPED,
                "carrierGatewayId",
                "coreNetworkArn",
                "destinationIpv6CidrBlock",
                "destinationPrefixListId",
                "egressOnlyGatewayId",
                "localGatewayId",
                "networkInterfaceId",
                "odbNetworkArn",
                "transitGatewayId",
                "vpcEndpointId",
                "vpcPeeringConnectionId",
            ),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """Exactly one target."""
        yield from one_of(inputs, _TARGETS, "a route has one target")

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateRoute``."""
        table, block = inputs.text("routeTableId"), inputs.text("destinationCidrBlock")
        site.call(
            "ec2",
            "create_route",
            RouteTableId=table,
            DestinationCidrBlock=block,
            **_target(inputs),
        )
        # The AWS provider makes ids of this form, because a route has none.
        return f"r-{table}{zlib.crc32(block.encode())}"

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """The route in its table."""
        del ident
        table = _table(site, state.text("routeTableId"))
        for route in [] if table is None else table.docs("Routes"):
            if route.maybe_text("DestinationCidrBlock") == state.text("destinationCidrBlock"):
                return {
                    "routeTableId": state.text("routeTableId"),
                    "destinationCidrBlock": route.text("DestinationCidrBlock"),
                    **{key: route.maybe_text(name) for key, name in _TARGETS.items()},
                    "instanceId": route.maybe_text("InstanceId") or "",
                    "instanceOwnerId": route.maybe_text("InstanceOwnerId") or "",
                    "networkInterfaceId": "",
                    "origin": route.text("Origin"),
                    "state": route.text("State"),
                }
        return None

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """``ReplaceRoute``."""
        del ident, old
        site.call(
            "ec2",
            "replace_route",
            RouteTableId=new.text("routeTableId"),
            DestinationCidrBlock=new.text("destinationCidrBlock"),
            **_target(new),
        )

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteRoute``."""
        del ident
        site.find(
            _GONE,
            "ec2",
            "delete_route",
            RouteTableId=state.text("routeTableId"),
            DestinationCidrBlock=state.text("destinationCidrBlock"),
        )


class RouteTableAssociation(ResourceType):
    """Which route table a subnet uses."""

    type_name = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    delete_first = True
    properties = declared(
        {
            "gatewayId": refused("the emulator associates tables with subnets only"),
            "routeTableId": kept(),
            "subnetId": kept(replaces=True),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """A subnet."""
        yield from needed(inputs, ("subnetId",), "an association needs a subnet")

    def create(self, site: Site, inputs: Doc) -> str:
        """``AssociateRouteTable``."""
        answer = site.call(
            "ec2",
            "associate_route_table",
            RouteTableId=inputs.text("routeTableId"),
            SubnetId=inputs.text("subnetId"),
        )
        return answer.text("AssociationId")

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """The subnet's association. Its id on AWS changes with the table, ours does not."""
        del ident
        found = _association(site, state.text("subnetId"))
        if found is None:
            return None
        return {"routeTableId": found.text("RouteTableId"), "subnetId": found.text("SubnetId")}

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """``ReplaceRouteTableAssociation``."""
        del ident
        found = _association(site, old.text("subnetId"))
        if found is not None:
            site.call(
                "ec2",
                "replace_route_table_association",
                AssociationId=found.text("RouteTableAssociationId"),
                RouteTableId=new.text("routeTableId"),
            )

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DisassociateRouteTable``."""
        del ident
        found = _association(site, state.text("subnetId"))
        if found is not None:
            site.call(
                "ec2",
                "disassociate_route_table",
                AssociationId=found.text("RouteTableAssociationId"),
            )


def _table(site: Site, ident: str) -> Doc | None:
    return find_one(site, "describe_route_tables", "RouteTables", "RouteTableIds", ident)


def _target(inputs: Doc) -> dict[str, object]:
    return {name: inputs.maybe_text(key) for key, name in _TARGETS.items()}


def _association(site: Site, subnet: str) -> Doc | None:
    tables = site.call(
        "ec2",
        "describe_route_tables",
        Filters=[{"Name": "association.subnet-id", "Values": [subnet]}],
    )
    for table in tables.docs("RouteTables"):
        for item in table.docs("Associations"):
            if item.maybe_text("SubnetId") == subnet:
                return item
    return None
