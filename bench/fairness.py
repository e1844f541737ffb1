#!/usr/bin/env python3
"""What two accounts that both want more than there is get of one endpoint, against the bound of VTC

Account a sends long prompts, wants long answers and has more callers; account b sends short ones. Each has always calls that wait. Service is counted as its
clients see it: the tokens of a prompt when its first token comes, twice each token of an answer. The figure is the largest gap that opened between the two over
any part of the time, divided by what VTC, a fair scheduler of whole calls, guarantees between accounts with work waiting: twice the larger of a longest prompt
and of twice the tokens that can be in the running batch at once (Sheng et al., Fairness in Serving Large Language Models, OSDI 2024). Of these tokens only those of
answers are counted here, which is stricter: prompts are served at once.
"""
import itertools
import os
import random
import threading
import time
from dataclasses import dataclass

from measure import Platform, finish
from measure.conditions import Conditions, void
from measure.streams import completed, deploy_with_context, new_prompt

SECONDS, SLOTS, CONTEXT = float(os.environ.get("SECONDS_EACH", "120")), 4, 1024
LEARN_S = 30  # not counted: calls that found a free slot began before there was anybody to share with, and nothing is known of either account's calls
PROMPT_WEIGHT, ANSWER_WEIGHT = 1, 2


@dataclass(frozen=True)
class Account:
    name: str
    prompt: int  # tokens, at most; at least half
    answer: int
    callers: int


LONG, SHORT = Account("a", prompt=400, answer=64, callers=3 * SLOTS), Account("b", prompt=20, answer=8, callers=2 * SLOTS)
BOUND = 2 * max(PROMPT_WEIGHT * LONG.prompt, ANSWER_WEIGHT * SLOTS * LONG.answer)


class Backlog:
    """Callers of an account, each with a call at any time until the end; what they got, as (time, service)."""

    def __init__(self, port: int, account: Account, headers: dict[str, str], end: float) -> None:
        self.port, self.account, self.headers, self.end = port, account, headers, end
        self.got: list[tuple[float, float]] = []
        self.failed: list[BaseException] = []
        self.threads = [threading.Thread(target=self.keep_calling, args=(random.Random(f"{account.name}{number}"),)) for number in range(account.callers)]

    def keep_calling(self, chance: random.Random) -> None:
        account = self.account
        try:
            while time.monotonic() < self.end:
                prompt = new_prompt(chance, chance.randint(account.prompt // 2, account.prompt))
                answer = chance.randint(account.answer // 2, account.answer)
                call = completed(self.port, prompt, answer, headers=self.headers, model="chat")
                times = call["text_times"]
                self.got += [(times[0], PROMPT_WEIGHT * len(prompt)), *((at, ANSWER_WEIGHT * answer / len(times)) for at in times)]
        except BaseException as error:  # also SystemExit: it would end the thread only
            self.failed.append(error)


def largest_gap(a: Backlog, b: Backlog, begin: float, end: float) -> float:
    """Over all parts of the time: the gap's highest less its lowest."""
    changes = sorted([*a.got, *((at, -service) for at, service in b.got)])
    gaps = list(itertools.accumulate((service for at, service in changes if begin <= at < end), initial=0))
    return max(gaps) - min(gaps)


def measured(port: int, with_accounts: bool) -> dict:
    begin = time.monotonic() + LEARN_S
    end = begin + SECONDS
    backlogs = [Backlog(port, account, {"Ebb-Tenant": account.name} if with_accounts else {}, end) for account in (LONG, SHORT)]
    threads = [thread for backlog in backlogs for thread in backlog.threads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for backlog in backlogs:
        for error in backlog.failed:
            raise error
    service = {backlog.account.name: sum(service for at, service in backlog.got if begin <= at < end) for backlog in backlogs}
    return {"gap": largest_gap(*backlogs, begin, end), "service": service, "got": {b.account.name: sorted((at - begin, s) for at, s in b.got) for b in backlogs}}


def told(name: str, found: dict) -> str:
    service = found["service"]
    return f"{name}: a got {service['a']:.0f}, b {service['b']:.0f} in {SECONDS:.0f} s; the largest gap was {found['gap']:.0f} of a bound of {BOUND}"


def main() -> None:
    with Platform() as server, Conditions() as conditions:
        deploy_with_context(server, "chat", CONTEXT, max=SLOTS, idle="10m")
        completed(server.port, new_prompt(random.Random(1), 16), 8, model="chat")
        in_order = measured(server.port, with_accounts=False)
        fair = measured(server.port, with_accounts=True)
    figure = fair["gap"] / BOUND
    raw = {"accounts": fair, "in_order": in_order, "bound": BOUND, "slots": SLOTS, "long": vars(LONG), "short": vars(SHORT), "conditions": conditions}
    finish("fairness", {"fairness": figure}, raw, [
        told("first come, first served", in_order),
        told("by accounts", fair),
        *void(conditions),
        f"fairness: {figure:.2f} of VTC's bound (must <= 1.00, stretch <= 0.70)",
    ])


if __name__ == "__main__":
    main()
