"""Budgets: cost budgets of the account and who hears of them."""

from collections.abc import Iterator, Sequence

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.ec2 import all_refused
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, refused
from holdfast.twin.provider.tags import retag
from holdfast.twin.provider.values import Doc, Json, Object, from_pairs, pairs

_GONE = ("NotFoundException",)
_NO_COSTS = "nothing costs anything in the twin, so only the budget itself is kept"


class Budget(ResourceType):
    """A budget. It is kept, and never spent: the twin has no bill."""

    type_name = "aws:budgets/budget:Budget"
    name_property = "name"
    properties = declared(
        {
            "accountId": kept(replaces=True, computed=True),
            "budgetType": kept(),
            "limitAmount": kept(),
            "limitUnit": kept(),
            "name": kept(replaces=True),
            "namePrefix": refused("leave `name` out to get a name of its own"),
            "notifications": kept(),
            "tags": kept(),
            "timeUnit": kept(),
            **all_refused(
                _NO_COSTS,
                "autoAdjustData",
                "billingViewArn",
                "costFilters",
                "costTypes",
                "filterExpression",
                "metrics",
                "plannedLimits",
                "timePeriodEnd",
                "timePeriodStart",
            ),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """A limit that is a number."""
        amount = inputs.maybe_text("limitAmount")
        if amount is not None and not amount.replace(".", "", 1).isdigit():
            yield Failure("limitAmount", f"is {amount!r}; it must be a number")

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateBudget``."""
        account = inputs.maybe_text("accountId") or site.account
        site.call(
            "budgets",
            "create_budget",
            AccountId=account,
            Budget=_budget(inputs),
            NotificationsWithSubscribers=[
                {"Notification": _notification(item), "Subscribers": _subscribers(item)}
                for item in inputs.docs("notifications")
            ]
            or None,
            ResourceTags=pairs(inputs.table("tagsAll")) or None,
        )
        return f"{account}:{inputs.text('name')}"

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``DescribeBudget``, its notifications and their subscribers."""
        del state
        account, _, name = ident.partition(":")
        answer = site.find(_GONE, "budgets", "describe_budget", AccountId=account, BudgetName=name)
        if answer is None:
            return None
        budget = answer.doc("Budget")
        arn = f"arn:aws:budgets::{account}:budget/{name}"
        tags = site.call("budgets", "list_tags_for_resource", ResourceARN=arn)
        limit = budget.doc("BudgetLimit")
        return {
            "arn": arn,
            "accountId": account,
            "name": name,
            "budgetType": budget.text("BudgetType"),
            "timeUnit": budget.text("TimeUnit"),
            "limitAmount": limit.maybe_text("Amount"),
            "limitUnit": limit.maybe_text("Unit"),
            "timePeriodStart": _day(budget.doc("TimePeriod").maybe_text("Start")),
            "notifications": _read_notifications(site, account, name),
            "tagsAll": from_pairs(tags.docs("ResourceTags")),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """``UpdateBudget``; changed notifications are made anew."""
        account, _, name = ident.partition(":")
        site.call("budgets", "update_budget", AccountId=account, NewBudget=_budget(new))
        before, after = old.docs("notifications"), new.docs("notifications")
        if [item.members for item in before] != [item.members for item in after]:
            self._change_notifications(site, account, name, before, after)
        gone, fresh = retag(old, new)
        arn = old.text("arn")
        if gone:
            site.call("budgets", "untag_resource", ResourceARN=arn, ResourceTagKeys=gone)
        if fresh:
            site.call("budgets", "tag_resource", ResourceARN=arn, ResourceTags=pairs(fresh))

    @staticmethod
    def _change_notifications(
        site: Site, account: str, name: str, before: Sequence[Doc], after: Sequence[Doc]
    ) -> None:
        for item in before:
            site.call(
                "budgets",
                "delete_notification",
                AccountId=account,
                BudgetName=name,
                Notification=_notification(item),
            )
        for item in after:
            site.call(
                "budgets",
                "create_notification",
                AccountId=account,
                BudgetName=name,
                Notification=_notification(item),
                Subscribers=_subscribers(item),
            )

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteBudget``."""
        del state
        account, _, name = ident.partition(":")
        site.find(_GONE, "budgets", "delete_budget", AccountId=account, BudgetName=name)


def _budget(inputs: Doc) -> dict[str, object]:
    return {
        "BudgetName": inputs.text("name"),
        "BudgetType": inputs.text("budgetType"),
        "TimeUnit": inputs.text("timeUnit"),
        "BudgetLimit": {"Amount": inputs.text("limitAmount"), "Unit": inputs.text("limitUnit")},
    }


def _notification(item: Doc) -> dict[str, object]:
    return {
        "NotificationType": item.text("notificationType"),
        "ComparisonOperator": item.text("comparisonOperator"),
        "Threshold": item.maybe_real("threshold"),
        "ThresholdType": item.text("thresholdType"),
    }


def _subscribers(item: Doc) -> list[dict[str, str]]:
    return [
        {"SubscriptionType": kind, "Address": address}
        for kind, key in (("EMAIL", "subscriberEmailAddresses"), ("SNS", "subscriberSnsTopicArns"))
        for address in item.texts(key)
    ]


def _read_notifications(site: Site, account: str, name: str) -> list[Json]:
    answer = site.call(
        "budgets", "describe_notifications_for_budget", AccountId=account, BudgetName=name
    )
    found: list[Json] = []
    for item in answer.docs("Notifications"):
        identity: dict[str, Json] = {
            "notificationType": item.text("NotificationType"),
            "comparisonOperator": item.text("ComparisonOperator"),
            "threshold": item.maybe_real("Threshold"),
            "thresholdType": item.maybe_text("ThresholdType") or "PERCENTAGE",
        }
        told = site.call(
            "budgets",
            "describe_subscribers_for_notification",
            AccountId=account,
            BudgetName=name,
            Notification=_notification(Doc(identity)),
        ).docs("Subscribers")
        by_kind = {"EMAIL": "subscriberEmailAddresses", "SNS": "subscriberSnsTopicArns"}
        for kind, key in by_kind.items():
            identity[key] = sorted(
                one.text("Address") for one in told if one.text("SubscriptionType") == kind
            )
        found.append(identity)
    return found


def _day(text: str | None) -> str:
    """A time as the AWS provider writes it for budgets (``2026-11-01_00:00``)."""
    return "" if text is None else text[:16].replace("T", "_")
