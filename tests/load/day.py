"""The clients of a simulated day, for locust: nineteen reads per write.

tests/load/clients.py runs this in the environment of locust. A client retries a refused request that has an idempotency
key. A refused request without a key has changed nothing. The client records all other responses.
"""

import itertools
import random
import time
import uuid
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

import gevent
from locust import FastHttpUser, between, events, task

from tests.load.findings import REFUSALS, Findings
from tests.load.world import BRIEF, CAMPAIGN, HOT_USERS, LASTING, NAMED_FROM, ROLLED_OUT

TIMEOUT_SECONDS = 120
PAGE = 100
FINDINGS = Findings()
CHANCE = random.SystemRandom()
NUMBERS = itertools.count()
ENTERED = deque([(1, BRIEF[0])], maxlen=3)
"""The last entries with a lifetime."""


@events.init_command_line_parser.add_listener
def ask_what_to_do(parser):
    parser.add_argument("--people", type=int, help="number of users before the day begins")
    parser.add_argument("--seconds", type=float, help="length of the day")
    parser.add_argument("--crowd", action="store_true", help="a quarter of the clients only requests reports")
    parser.add_argument("--begun", type=Path, help="file to create when the day begins")
    parser.add_argument("--findings", type=Path, help="file to write")


@events.request.add_listener
def keep_sample(name, response_time, response, **_):
    FINDINGS.add(name, response.status_code, response_time)


@events.test_start.add_listener
def start_clock(environment, **_):
    environment.parsed_options.begun.touch()
    # --run-time would include the time of the imports
    gevent.spawn_later(environment.parsed_options.seconds, environment.runner.quit)
    FINDINGS.seconds = -time.monotonic()


@events.test_stopping.add_listener
def stop_clock(**_):
    FINDINGS.seconds += time.monotonic()


@events.quitting.add_listener
def write_findings(environment, **_):
    FINDINGS.write(environment.parsed_options.findings)


class Client(FastHttpUser):
    """A client of the service: reads as web pages and workers do, and writes as back offices do."""

    wait_time = between(0.05, 0.15)
    connection_timeout = network_timeout = 60.0

    def on_start(self):
        number = next(NUMBERS)
        if self.environment.parsed_options.crowd and number % 4 == 3:
            self.tasks = [Client.read_month_of_a_user]  # slow, so that every machine has too few environments
        if number == 0:  # so that a short day includes rare tasks
            self.roll_out()
            self.run_campaign()
            self.order_report()

    @task(760)
    def read_segments_of_a_user(self):
        self.get("/segment/user/{user_id}", f"/segment/user/{self.any_user()}")

    @task(50)
    def read_segments_of_many(self):
        users = [self.any_user() for _ in range(PAGE)]
        self.ask("POST", "/segment/user/batch", {"user_ids": users}, expected={200})

    @task(50)
    def read_history(self):
        self.get("/user/{user_id}/history", f"/user/{self.frequent_user()}/history?limit={PAGE}")

    @task(30)
    def read_segment(self):
        self.get("/segment/{slug}", f"/segment/{CHANCE.choice(LASTING)}")

    @task(20)
    def read_members(self):
        self.get("/segment/{slug}/users", f"/segment/{CHANCE.choice(LASTING)}/users?limit={PAGE}")

    @task(20)
    def read_list_of_segments(self):
        self.get("/segment", f"/segment?limit={PAGE}")

    @task(10)
    def read_list_of_users(self):
        self.get("/user", f"/user?limit={PAGE}")

    @task(10)
    def read_month_of_a_user(self):
        now = datetime.now(UTC)
        self.get(
            "/segment/history/{user_id}", f"/segment/history/{self.frequent_user()}?year={now.year}&month={now.month}"
        )

    @task(20)
    def change_memberships(self):
        newcomer = CHANCE.random() < 0.1
        user_id = CHANCE.randrange(NAMED_FROM, 2 * NAMED_FROM) if newcomer else self.frequent_user()
        entered, entered_too, left = CHANCE.sample(LASTING, 3)
        body = {"user_id": user_id, "add_segments": [entered, entered_too], "delete_segments": [left]}
        if self.change(body) and newcomer:
            FINDINGS.named.add(user_id)

    @task(11)
    def enter_for_a_while(self):
        user_id, offers = CHANCE.choice(HOT_USERS), CHANCE.sample(BRIEF, 2)
        if self.change({"user_id": user_id, "add_segments": offers, "ttl": CHANCE.randint(1, 20)}):
            ENTERED.append((user_id, offers[0]))

    @task(7)
    def change_lifetime(self):
        user_id, slug = CHANCE.choice(ENTERED)
        path, body = f"/segment/user/{user_id}/{slug}", {"ttl": CHANCE.randint(1, 30)}
        answer = self.write("PATCH", "/segment/user/{user_id}/{slug}", body, path=path, expected={200, 404})
        if answer and answer.status_code == 200:
            FINDINGS.told.lifetimes[user_id] += 1

    @task(9)
    def arrive(self):
        if answer := self.write("POST", "/user", None, expected={201}):
            FINDINGS.told.users.append(answer.json()["user_id"])

    @task(1)
    def roll_out(self):
        slug = CHANCE.choice(ROLLED_OUT)
        body = {"user_percent": CHANCE.choice([1, 2, 5])}
        if answer := self.write("PATCH", "/segment/{slug}", body, path=f"/segment/{slug}", expected={200}):
            FINDINGS.taken_out[slug] += answer.json()["users_deleted"]

    @task(1)
    def run_campaign(self):
        slug = f"{CAMPAIGN}{uuid.uuid4().hex}"
        if not self.write("POST", "/segment", {"slug": slug, "user_percent": 0.5}, expected={201}):
            return
        FINDINGS.campaigns.add(slug)
        gevent.sleep(2)
        if self.ask("DELETE", "/segment", {"slug": slug}, expected={200}):
            FINDINGS.campaigns.remove(slug)

    @task(1)
    def order_report(self):
        now = datetime.now(UTC)
        body = {"year": now.year, "month": now.month} | CHANCE.choice([{}, {"slug": CHANCE.choice(LASTING)}])
        if answer := self.write("POST", "/report", body, expected={202}):
            result = self.finished(answer.json()["job_id"])
            self.download(result["report_link"], result["rows"])

    def finished(self, job_id):
        """Poll a job until it succeeds, and return its result."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            answer = self.get("/job/{job_id}", f"/job/{job_id}")
            if answer and answer.json()["status"] == "succeeded":
                return answer.json()["result"]
            gevent.sleep(0.5)
        raise TimeoutError(f"job {job_id} did not succeed")

    def download(self, link, rows):
        lines = self.get("report_link", link).content.count(b"\n")
        FINDINGS.reports += 1
        if lines != rows + 1:
            FINDINGS.unexpected.append(f"a report of {rows} rows has {lines} lines")

    def change(self, body):
        """Change memberships, and return whether the change succeeded."""
        answer = self.write("POST", "/segment/user", body, expected={200})
        if answer:
            FINDINGS.told.change(body["user_id"], answer.json())
        return bool(answer)

    def write(self, method, route, body, *, expected, path=None):
        """Send a change. Half of the changes have an idempotency key and are repeated until their final response."""
        if CHANCE.random() < 0.5:
            return self.ask(method, route, body, expected=expected, path=path)
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if answer := self.ask(method, route, body, expected=expected, path=path, headers=headers):
                return answer
            gevent.sleep(CHANCE.uniform(0.5, 1.5))  # a second, as Retry-After says, with jitter
        raise TimeoutError(f"{method} {route} was not answered")

    def get(self, route, path):
        return self.ask("GET", route, None, expected={200}, path=path)

    def ask(self, method, route, body, *, expected, path=None, headers=None):
        """Return the response, or None for a refusal. Record a response that is neither expected nor a refusal."""
        name = f"{method} {route}"
        with self.client.request(
            method, path or route, json=body, name=name, headers=headers, catch_response=True
        ) as answer:
            answer.success()
            refused = answer.status_code in REFUSALS and "Retry-After" in answer.headers
            if answer.status_code not in expected and not refused:
                FINDINGS.unexpected.append(f"{name}: {answer.status_code} {answer.text or answer.error}")
            return answer if answer.status_code in expected else None

    def any_user(self):
        return CHANCE.randint(1, self.environment.parsed_options.people)

    def frequent_user(self):
        """Return one of the few users in most requests, or any user."""
        return CHANCE.choice(HOT_USERS) if CHANCE.random() < 0.3 else self.any_user()
