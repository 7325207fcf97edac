"""A copied card; certificates that are renewed, expired, revoked."""

import contextlib
import shutil
import time
from collections.abc import Iterator

from bench.faults.row import Row
from bench.faults.scene import Scene, Stage, now_ms
from bench.tls_proxy import Authority, TlsProxy
from twin.evidence import read_ledger
from twin.provision import DeviceFiles
from twin.reckoning import reckon


def identity_cloned(stage: Stage) -> Row:
    """Two machines from one card's image: the same name, certificate and spool, sensing and sending at once."""
    with Scene(stage) as first, Scene(stage, suffix="-copy") as second:
        first.provision()
        _start(first, "board-1")
        first.until(lambda: first.stored_count() > 0, 60, "no event was stored")
        first.station.stop("run")
        first.station.stop("agent")
        shutil.copytree(first.station.state_dir, second.station.state_dir)
        second.station.take_identity(first.station)
        for scene, machine in ((first, "board-1"), (second, "board-2")):
            _start(scene, machine)
        time.sleep(20.0)
        told = [status.reason for scene in (first, second) if (status := scene.station.agent_status())]
        noticed = any("another device" in reason for reason in told)
        second.station.stop("agent")
        second.station.stop("run")
        first.settle()
        second.station.start("agent", "--hardware", "board-2")
        ended_ms = now_ms()
        second.settle()
        broken = [] if noticed else [f"nobody noticed: {told}"]
        row = first.row(
            injected=1,
            promise="noticed on both; the copy counts under a spool id of its own; 0 lost, 0 twice",
            ended_ms=[ended_ms],
            note=f"said: {max(told, key=len)}",
            broken=broken,
        )
        return _with_copy(row, first, second)


def _start(scene: Scene, machine: str) -> None:
    scene.station.start("agent", "--hardware", machine)
    scene.station.start("run", "--hardware", machine)


def _with_copy(row: Row, first: Scene, second: Scene) -> Row:
    """The copy's own account added: both write to the table under one name."""
    blocks = first.blocks()
    own = reckon(read_ledger(second.station.ledger), blocks)
    return Row(
        fault=row.fault,
        injected=row.injected,
        accepted=row.accepted + own.accepted,
        stored=row.stored + own.stored,
        declared=row.declared + own.declared,
        lost=row.lost + own.lost,
        duplicates=max(row.duplicates, own.duplicates),
        recovery_s=row.recovery_s,
        promise=row.promise,
        note=row.note,
        broken=row.broken,
    )


def certificate_revoked(stage: Stage) -> Row:
    """The certificate is made inactive for a while, then active again."""
    iot = stage.deployment.clients.make("iot")
    with Scene(stage) as scene:
        scene.provision().go()
        (arn,) = iot.list_thing_principals(thingName=scene.station.config.gateway)["principals"]
        certificate = arn.rsplit("/", 1)[1]
        iot.update_certificate(certificateId=certificate, newStatus="INACTIVE")
        scene.station.kill("agent")  # the broker asks for the certificate when a connection is made
        scene.start("agent")
        scene.work(8.0)
        status = scene.station.agent_status()
        broken = [] if status and not status.connected and status.reason else ["connected with a revoked certificate"]
        iot.update_certificate(certificateId=certificate, newStatus="ACTIVE")
        ended_ms = now_ms()
        scene.work(12.0)
        scene.settle()
        note = f"said: {status.reason if status else ''}"
        promise = "gets nowhere and keeps everything; asks ever more rarely; 0 lost, 0 twice"
        return scene.row(injected=1, promise=promise, ended_ms=[ended_ms], note=note, broken=broken)


def certificate_renewed(stage: Stage) -> Row:
    """Certificate and key are replaced on the disk while the agent is at work; three times."""
    with Scene(stage) as scene, _own_authority(stage, scene) as (authority, proxy, device):
        scene.start("agent", "run")
        scene.until(lambda: scene.stored_count() > 0, 60, "no event was stored")
        ended, serials, times = list[int](), list[int](), stage.times(3)
        for _ in range(times):
            serials.append(authority.issue("gateway", device.certificate, device.private_key, seconds=3600))
            ended.append(now_ms())
            scene.work(6.0)
        unused = [serial for serial in serials if serial not in proxy.serials]
        broken = [f"{len(unused)} of {times} new certificates were never used"] if unused else []
        scene.settle()
        promise = "used within seconds, without a restart; 0 lost, 0 twice"
        return scene.row(injected=times, promise=promise, ended_ms=ended, broken=broken)


def certificate_expired(stage: Stage) -> Row:
    """The certificate expires while the agent is at work, the link breaks, later a new certificate comes."""
    with Scene(stage) as scene, _own_authority(stage, scene, seconds=9.0) as (authority, proxy, device):
        scene.start("agent", "run")
        scene.until(lambda: scene.stored_count() > 0, 60, "no event was stored")
        scene.work(8.0)
        proxy.cut()
        scene.work(8.0)
        status = scene.station.agent_status()
        broken = [] if status and not status.connected and status.reason else ["connected with an expired certificate"]
        authority.issue("gateway", device.certificate, device.private_key, seconds=3600)
        ended_ms = now_ms()
        scene.work(8.0)
        scene.settle()
        note = f"said: {status.reason if status else ''}; handshakes refused: {proxy.refused}"
        promise = "gets nowhere and keeps everything; goes on when a good one is on the disk"
        return scene.row(injected=1, promise=promise, ended_ms=[ended_ms], note=note, broken=broken)


@contextlib.contextmanager
def _own_authority(
    stage: Stage, scene: Scene, *, seconds: float = 3600.0
) -> Iterator[tuple[Authority, TlsProxy, DeviceFiles]]:
    """The gateway reaches the twin through a proxy that trusts another authority."""
    real = stage.deployment.provisioner().provision(scene.station.config.gateway, stage.folder / "real")
    authority = Authority(stage.folder / "authority")
    own = stage.folder / "own"
    own.mkdir()
    device = DeviceFiles(certificate=own / "certificate.pem", private_key=own / "private.key", ca=authority.ca)
    authority.issue("gateway", device.certificate, device.private_key, seconds=seconds)
    with TlsProxy(stage.deployment.endpoint.mqtt_port, real, authority, stage.folder / "authority") as proxy:
        scene.station.reach(device, port=proxy.port, rule=stage.deployment.outputs.rule_name, linger_s=0.2)
        yield authority, proxy, device
