"""Renews the certificate of a Greengrass nucleus, as root: the one program that makes and keeps its key.

It takes three words from a folder that the fleet agent may write, and nothing else: no path, no command, no program.

    csr      a new key in a folder of root's; answers with a certificate request
    install  a certificate for that key: stops the nucleus, edits its configuration, starts it, and waits for
    commit   without which, in time, the paths of before are back and the nucleus started with them

Standard library and openssl only: it is copied to /usr/local/lib/thresher and started by systemd (docs/identity.md).
What it is about to do is journalled first: a start after a power cut ends with a configuration that the nucleus runs
with. One file, because it is copied as one.
"""

import argparse
import json
import os
import pwd
import re
import stat
import subprocess
import sys
import time
from pathlib import Path

LONGEST = 16384
KEYS = ("privateKeyPath", "certificateFilePath")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,96}")
LINE = re.compile(r"^([ \t]+)(privateKeyPath|certificateFilePath):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
SYSTEM = re.compile(r"^system:[ \t]*\n((?:[ \t]+.*\n|\s*\n)*)", re.MULTILINE)
Words = dict[str, str]


class Refused(Exception):  # noqa: N818 - an answer
    """What the agent is told."""


def main() -> int:
    """Ends what an earlier start left open, and obeys the request that is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchange", type=Path, required=True, help="in/ is the agent's, out/ is root's")
    parser.add_argument("--keys", type=Path, required=True, help="root's own folder")
    parser.add_argument(
        "--nucleus", choices=["lite", "classic", "files"], required=True, help="what is changed, and how"
    )
    parser.add_argument("--configuration", type=Path, help="config.yaml (lite), config.tlog (classic)")
    parser.add_argument("--private-key", type=Path, help="files: its content is replaced")
    parser.add_argument("--certificate", type=Path, help="files: same")
    parser.add_argument("--unit", required=True, help="systemd unit of the nucleus")
    parser.add_argument("--agent", default="ggc_user", help="the user that may ask")
    parser.add_argument("--systemctl", default="/usr/bin/systemctl")
    parser.add_argument("--settle-s", type=float, default=10.0, help="so long it must be active after a start")
    parser.add_argument("--commit-s", type=float, default=600.0, help="so long a commit is waited for")
    options = parser.parse_args()
    wanted = [options.private_key, options.certificate] if options.nucleus == "files" else [options.configuration]
    if None in wanted:
        parser.error("--nucleus files needs --private-key and --certificate, the others need --configuration")
    os.umask(0o077)
    options.keys.mkdir(parents=True, exist_ok=True)
    options.keys.chmod(0o711)  # each pair's folder is its user's only
    helper = Helper(options)
    helper.recover()
    return helper.answer()


class Helper:
    """One start of the program."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._place = Files(options) if options.nucleus == "files" else Configuration(options)
        self._journal = options.keys / "journal.json"

    def recover(self) -> None:
        """Goes on where an earlier start was cut off."""
        left = _words(self._journal)
        if left.get("phase") == "installing":
            self._apply(left["id"], left)
        elif left.get("phase") == "restoring":
            self._restore(left["id"], left, left.get("why", ""))

    def answer(self) -> int:
        """Obeys the request; 0 if it was done."""
        request = self._request()
        try:
            answer = self._obey(request)
        except (Refused, OSError, subprocess.SubprocessError) as exc:
            answer = {"refused": str(exc)}
        if answer:
            self._tell(request.get("id", ""), request.get("verb", ""), answer)
        return 1 if "refused" in answer else 0

    def _obey(self, request: Words) -> Words:
        """The answer; empty if it was given already."""
        name, verb = request.get("id", ""), request.get("verb", "")
        if not NAME.fullmatch(name):
            raise Refused("id: letters, digits, `-` and `_`")
        if verb == "csr":
            return {"csr": self._csr(name)}
        done = _words(self._journal)
        if done.get("id") == name and verb in ("install", "commit"):
            return {"state": done["phase"], "why": done.get("why", "")}
        if verb == "install":
            return self._install(name, request.get("certificate", ""))
        raise Refused("verb: csr, install, or commit of what is installed")

    def _csr(self, name: str) -> str:
        folder = self._options.keys / name
        folder.mkdir(mode=0o700, exist_ok=True)
        key, made = folder / "private.key", folder / "request.pem"
        if not made.exists():
            _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key))
            text = _openssl("req", "-new", "-key", str(key), "-subj", "/CN=greengrass-core")
            _sync(key)
            _write(made, text, 0o600)
        return str(made.read_text())

    def _install(self, name: str, certificate: str) -> Words:
        folder = self._options.keys / name
        _write(folder / "certificate.pem", certificate, 0o600)
        public = _openssl("x509", "-in", str(folder / "certificate.pem"), "-noout", "-pubkey")
        if public != _openssl("pkey", "-in", str(folder / "private.key"), "-pubout"):
            raise Refused("the certificate is not of the key that asked for it")
        before = self._place.now(folder)
        _hand_over(folder, Path(before["privateKeyPath"]))
        self._note(name, "installing", before)
        return self._apply(name, before)

    def _apply(self, name: str, before: Words) -> Words:
        folder = self._options.keys / name
        paths = dict(zip(KEYS, (str(folder / "private.key"), str(folder / "certificate.pem")), strict=True))
        try:
            self._switch(paths)
        except (OSError, Refused) as exc:
            return self._restore(name, before, str(exc))
        if not self._runs():
            return self._restore(name, before, "the nucleus did not come back with the new certificate")
        self._tell(name, "install", {"state": "installed"})
        deadline = time.monotonic() + self._options.commit_s
        while time.monotonic() < deadline:
            request = self._request()
            if (request.get("id"), request.get("verb")) == (name, "commit"):
                self._note(name, "committed", before)
                self._tell(name, "commit", {"state": "committed"})
                return {}
            time.sleep(0.2)
        return self._restore(name, before, "nobody said that the new certificate works")

    def _restore(self, name: str, before: Words, why: str) -> Words:
        self._note(name, "restoring", before, why)
        self._switch({key: before[key] for key in KEYS})
        self._runs()
        self._note(name, "restored", before, why)
        self._tell(name, "install", {"state": "restored", "why": why})
        return {}

    def _switch(self, paths: Words) -> None:
        """The nucleus is stopped meanwhile: it writes to its configuration, too."""
        self._systemctl("stop")
        try:
            self._place.use(paths)
        finally:
            self._systemctl("start")

    def _runs(self) -> bool:
        """Whether the nucleus goes on running for a while."""
        deadline = time.monotonic() + self._options.settle_s
        while time.monotonic() < deadline:
            time.sleep(min(0.5, self._options.settle_s / 4))
            if self._systemctl("is-active") != 0:
                return False
        return True

    def _systemctl(self, verb: str) -> int:
        command = [self._options.systemctl, verb, "--", self._options.unit]
        return subprocess.run(command, capture_output=True, timeout=180, check=False).returncode

    def _request(self) -> Words:
        """What the agent asks; the file must be its own, a plain one, and short."""
        try:
            path = self._options.exchange / "in" / "request.json"
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return {}
        with os.fdopen(descriptor, "rb") as file:
            known = os.fstat(file.fileno())
            mine = known.st_uid == pwd.getpwnam(self._options.agent).pw_uid
            plain = stat.S_ISREG(known.st_mode) and known.st_size <= LONGEST
            return _decoded(file.read(LONGEST)) if mine and plain else {}

    def _tell(self, name: str, verb: str, answer: Words) -> None:
        _write(self._options.exchange / "out" / "answer.json", json.dumps({"id": name, "verb": verb, **answer}), 0o644)

    def _note(self, name: str, phase: str, before: Words, why: str = "") -> None:
        paths = {key: before[key] for key in KEYS}
        _write(self._journal, json.dumps({"id": name, "phase": phase, "why": why, **paths}), 0o600)


class Configuration:
    """The nucleus's configuration names the pair: both paths stand in one file, so both change in one rename."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._path, self._is_lite = options.configuration, options.nucleus == "lite"

    def now(self, _: Path) -> Words:
        """The paths that count."""
        text = self._path.read_text()
        if self._is_lite:
            system = SYSTEM.search(text)
            named = [(key, path.strip("\"'")) for _, key, path in LINE.findall(system[1] if system else "")]
        else:
            topics = [json.loads(line) for line in text.splitlines() if '"system"' in line]
            named = [(one["TP"][-1], one["V"]) for one in topics if one["TP"][:1] == ["system"]]
            named = [(key, path) for key, path in named if key in KEYS]
        if {key for key, _ in named} != set(KEYS) or (self._is_lite and len(named) != len(KEYS)):
            raise Refused(f"{self._path}: `system` must name {' and '.join(KEYS)} once each")
        return dict(named)

    def use(self, paths: Words) -> None:
        """Makes other paths count."""
        if self.now(self._path) != paths:
            _write(self._path, self._edited(self._path.read_text(), paths), None)

    def _edited(self, text: str, paths: Words) -> str:
        if not self._is_lite:  # classic's log of changes: the last of a topic counts
            now = int(time.time() * 1000)
            lines = [{"TS": now, "TP": ["system", key], "W": "changed", "V": paths[key]} for key in KEYS]
            return text.rstrip("\n") + "\n" + "".join(json.dumps(line) + "\n" for line in lines)
        system = SYSTEM.search(text)
        if system is None:
            raise Refused(f"{self._path}: no `system`")
        block = LINE.sub(lambda line: f'{line[1]}{line[2]}: "{paths[line[2]]}"', system[1])
        return text[: system.start(1)] + block + text[system.end(1) :]


class Files:
    """Two files that something else names, e.g. lite's configuration database after its own provisioning.

    They are replaced one after the other while the nucleus is stopped; the journal has a cut in between done again.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._used = dict(zip(KEYS, (options.private_key, options.certificate), strict=True))

    def now(self, folder: Path) -> Words:
        """Copies of what they hold, kept for the way back."""
        for key, path in self._used.items():
            _write(folder / f"before-{key}", path.read_text(), 0o600)
        return {key: str(folder / f"before-{key}") for key in KEYS}

    def use(self, paths: Words) -> None:
        """Makes them hold what other files hold."""
        for key, path in self._used.items():
            _write(path, Path(paths[key]).read_text(), None)


def _hand_over(folder: Path, like: Path) -> None:
    """Gives the new pair to the user that has the old one: lite does not run as root."""
    try:
        known = like.stat()
    except OSError as exc:
        raise Refused(f"the nucleus's key {like} is no file: one in hardware stays, and is not renewed here") from exc
    folder.chmod(0o711)  # the folder stays root's: nobody else puts a link into it
    for name in ("private.key", "certificate.pem"):
        os.chown(folder / name, known.st_uid, known.st_gid)


def _openssl(*arguments: str) -> str:
    command = ["/usr/bin/openssl", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise Refused(f"openssl {arguments[0]}: {done.stderr[-200:]}")
    return done.stdout


def _write(path: Path, text: str, mode: int | None) -> None:
    """Old or new, never half; mode and owner of before where none is given."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    known = path.stat() if mode is None else None
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        os.fchmod(descriptor, stat.S_IMODE(known.st_mode) if known else mode or 0o600)
        if known:
            os.fchown(descriptor, known.st_uid, known.st_gid)
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _words(path: Path) -> Words:
    """Root's own file; empty if it is not there."""
    return _decoded(path.read_bytes()) if path.exists() else {}


def _decoded(data: bytes) -> Words:
    """Text by name, and nothing else."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}


if __name__ == "__main__":
    sys.exit(main())
