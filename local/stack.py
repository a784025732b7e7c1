"""All parts of the local run: they start in order, are watched, and stop together."""

import os
import secrets
import shutil
import sys
import time
from pathlib import Path
from typing import NoReturn

from local import (
    banner,
    bus,
    database,
    external_services,
    job_log,
    lock,
    log_rotation,
    migrations,
    passwords,
    pgbouncer,
    ports,
    postgres,
    processes,
    queues,
    s3,
    signals,
    sqs,
    standby,
    template,
)
from local.passwords import Passwords
from local.processes import Child, ChildFailed
from local.queues import Queues
from local.settings import CREDENTIALS, INSTALLED, ROOT, Database, GatewaySettings, Settings

LOOK_EVERY = 0.2


def run(settings: Settings) -> None:
    """Start all parts, and stop them at a signal. Raise ChildFailed if one of them ends."""
    children: list[Child] = []
    signals.listen()
    try:
        with lock.exclusive(settings.state):
            check_ports(settings)
            check_external_services(settings)
            try:
                start(settings, children)
                watch(children, settings.logs)
            finally:
                signals.ignore()
                processes.stop_all(children)
    except signals.StopRequested:
        banner.say("Stopped.")


def check_ports(settings: Settings) -> None:
    """Raise ChildFailed if another program uses one of our ports."""
    wanted = {name: port for name, port in settings.ports.items() if not (name == "S3" and settings.storage)}
    if taken := [f"{port} (for {name})" for name, port in wanted.items() if ports.taken(port)]:
        raise ChildFailed(f"Port {', '.join(taken)} is taken: choose other ports with PORT=, for example PORT=8180.")


def check_external_services(settings: Settings) -> None:
    """Raise ChildFailed if an external service is missing. Create the buckets in an external S3."""
    if settings.database:
        external_services.check_database(settings.database)
    if settings.storage:
        external_services.create_buckets(settings.storage, buckets(settings).values())


def start(settings: Settings, children: list[Child]) -> None:
    """Start the parts side by side, and return when the service answers. `children` gets each part at its start."""
    started_at = time.monotonic()
    shutil.rmtree(settings.logs, ignore_errors=True)  # the logs of the run before
    known = passwords.load(settings.data / "passwords.json")
    database_port = ports.free()
    direct = settings.database or database.urls(database_port, known)
    pooler_port = ports.free() if settings.pooler else None
    urls = pgbouncer.in_front_of(direct, pooler_port) if pooler_port else direct
    reader_port = ports.free() if settings.readers and not settings.database else None
    servers = start_servers(settings, children, urls, reader_port)
    data = None if settings.database else start_database(settings, children, known, database_port, reader_port)
    if pooler_port:
        log = settings.logs / "pgbouncer.log"
        children.append(pgbouncer.start(direct, settings.state / "pgbouncer", pooler_port, log=log))
    wait_for_servers(settings, servers)
    migrations.apply(settings.ports["the Lambda invoke endpoint"], settings)
    start_invokers(settings, children)
    banner.ready(settings, time.monotonic() - started_at, data, is_empty=database.is_empty(direct))


def start_servers(
    settings: Settings, children: list[Child], urls: Database, reader_port: int | None
) -> list[tuple[Child, int]]:
    """Start the gateway, SQS, and S3 unless it is external. Return each with its ports, SQS first."""
    api_port, lambda_port, s3_port, sqs_port = settings.ports.values()
    children.append(gateway := start_gateway(settings, urls, reader_port))
    children.append(messaging := sqs.start(sqs_port, settings.logs / "sqs.log", python_variables()))
    servers = [(messaging, sqs_port), (gateway, lambda_port), (gateway, api_port)]
    if not settings.storage:
        log, port = settings.logs / "s3.log", ports.free()
        children.append(storage := s3.start(port, settings.data / "s3", buckets(settings).values(), log))
        children.append(proxy := start_proxy_of_s3(settings, s3_port, port))
        servers += [(storage, port), (proxy, s3_port)]
    return servers


def start_proxy_of_s3(settings: Settings, port: int, port_of_s3: int) -> Child:
    """Start the proxy that lets the console upload files from a browser."""
    return processes.start(
        "The proxy of S3",
        [sys.executable, "-m", "local.s3_for_browsers", str(port), str(port_of_s3)],
        log=settings.logs / "s3_for_browsers.log",
        environment={"PATH": os.defpath} | python_variables(),
        directory=ROOT,
    )


def start_database(
    settings: Settings, children: list[Child], known: Passwords, port: int, reader_port: int | None
) -> Path:
    """Start Postgres, create the service's database in it, and return the folder of its data. Start its standby."""
    log = settings.logs / "postgres.log"
    needed = standby.PRIMARY_SETTINGS if reader_port else {}
    server = postgres.start(settings.data / "postgres", known.superuser, port=port, log=log, settings=needed)
    children.append(server.process)
    database.prepare(server, known.owner)
    if reader_port:
        log = settings.logs / "standby.log"
        children.append(standby.start(server, settings.state / "standby", port=reader_port, log=log).process)
    return server.data


def wait_for_servers(settings: Settings, servers: list[tuple[Child, int]]) -> None:
    """Wait until the servers listen. Create the queues and the bus meanwhile, because the gateway takes longest."""
    (messaging, sqs_port), *others = servers
    processes.wait_until_listening(messaging, sqs_port)
    source = Queues(sqs_port)
    source.create(settings.template)
    if settings.event_bus:
        bus.create(source, settings.event_bus)
    for child, port in others:
        processes.wait_until_listening(child, port)


def start_invokers(settings: Settings, children: list[Child]) -> None:
    """Start the parts that invoke functions, and show the progress of jobs."""
    _, lambda_port, _, sqs_port = settings.ports.values()
    children.append(start_part(settings, "The scheduler", "scheduler", lambda_port))
    children.append(start_part(settings, "The queue poller", "queue_poller", lambda_port, sqs_port))
    job_log.start(settings.logs, settings.template)


def buckets(settings: Settings) -> dict[str, str]:
    """Return the local names of the template's buckets."""
    return {name: s3.bucket(name) for name in template.of_type(settings.template, s3.KIND)}


def references(settings: Settings) -> dict[str, str]:
    """Return the local values of a !Ref to a bucket or a queue of the template."""
    source = Queues(settings.ports["SQS"])
    return buckets(settings) | {name: source.url(name) for name in template.of_type(settings.template, queues.KIND)}


def function_variables(settings: Settings, database_url: str, reader_port: int | None) -> dict[str, str]:
    """Return the variables of every function that are not in the template: the addresses of the other parts."""
    return {
        "DATABASE_URL": database_url,
        "DATABASE_READ_HOST": f"{ports.HOST}:{reader_port}" if reader_port else "",
        "DATABASE_READ_MAX_LAG": "10",
        "DATABASE_POOLED": str(settings.pooler).lower(),
        "AWS_ENDPOINT_URL_S3": settings.s3.url,
        "AWS_ACCESS_KEY_ID": settings.s3.key_id,
        "AWS_SECRET_ACCESS_KEY": settings.s3.key,
        # always the local SQS: it has the template's queues, and accepts every key
        "AWS_ENDPOINT_URL_SQS": f"http://{ports.HOST}:{settings.ports['SQS']}",
        "AWS_ENDPOINT_URL_EVENTBRIDGE": f"http://{ports.HOST}:{settings.ports['SQS']}",
        "EVENT_BUS_NAME": settings.event_bus,
        # a cache outside the function's folder, which is packaged as it is
        **python_variables(),
    }


def secret_variables(settings: Settings, owner_url: str) -> dict[str, dict[str, str]]:
    """Return the secrets of each function. On AWS they are in Secrets Manager; here the first start generates them."""
    admin = passwords.keep(settings.admin, {"username": "admin", "password": secrets.token_urlsafe(24)})
    keys = passwords.keep(settings.data / "signing-keys.json", {"current": secrets.token_urlsafe(48)})
    return {
        migrations.FUNCTION: {"DATABASE_OWNER_URL": owner_url, "FIRST_ADMIN": admin},
        "SignIn": {"SIGNING_KEYS": keys},
        "AuthorizeRequest": {"SIGNING_KEYS": keys},
    }


def python_variables() -> dict[str, str]:
    """Return the variable with the folder for compiled Python files."""
    return {"PYTHONPYCACHEPREFIX": str(INSTALLED / "pycache")}


def start_gateway(settings: Settings, urls: Database, reader_port: int | None) -> Child:
    """Start the API and the Lambda endpoint. Only the migrations get the owner's password."""
    api_port, lambda_port, _, _ = settings.ports.values()
    gateway = GatewaySettings(
        template=str(settings.template),
        port=api_port,
        lambda_port=lambda_port,
        interpreter=str(settings.interpreter),
        logs=str(settings.logs),
        worker=settings.worker,
        variables=function_variables(settings, urls.url, reader_port),
        auth=settings.auth,
        wait_seconds=settings.wait_seconds,
        function_variables=secret_variables(settings, urls.owner_url),
        references=references(settings),
        cors_origins=settings.cors_origins,
    )
    return processes.start(
        "The gateway",
        [INSTALLED / "sam" / "bin" / "python", "-m", "local.gateway", gateway.write(settings.gateway)],
        log=settings.logs / "gateway.log",
        environment=gateway_environment(settings),
        directory=ROOT,
        to_terminal=True,
    )


def start_part(settings: Settings, name: str, module: str, *port_numbers: int) -> Child:
    """Start a local replacement of an AWS service that invokes the template's functions."""
    arguments = [str(settings.template), *map(str, port_numbers), str(settings.minute)]
    return processes.start(
        name,
        [sys.executable, "-m", f"local.{module}", *arguments],
        log=settings.logs / f"{module}.log",
        environment={"PATH": os.defpath, "LANG": "C.UTF-8"} | python_variables(),
        directory=ROOT,
        to_terminal=True,
    )


def gateway_environment(settings: Settings) -> dict[str, str]:
    """Return a small environment, because SAM CLI gives its own variables precedence over the template's."""
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "HOME": str(settings.state),
        "SAM_CLI_TELEMETRY": "0",
        # without credentials, each AWS client searches the machine for some
        "AWS_ACCESS_KEY_ID": CREDENTIALS[0],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS[1],
        **python_variables(),
    }


def watch(children: list[Child], logs: Path) -> NoReturn:
    """Rotate the logs until a part ends, and raise its failure."""
    while True:
        log_rotation.rotate(logs)
        for child in children:
            if not child.running():
                raise child.failure("ended")
        time.sleep(LOOK_EVERY)
