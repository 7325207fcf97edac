"""The page's backend in memory."""

from twin.page import Answer


class MemoryBackend:
    """One page and an API that answers what it was asked."""

    def page(self, key: str) -> Answer:
        if key == "index.html":
            return Answer(200, "text/html", b"<!doctype html><p>page")
        return Answer(404, "text/plain; charset=utf-8", b"there is no such page")

    def api(self, target: str) -> Answer:
        return Answer(200 if target.startswith("/api/fleet") else 404, "application/json", b"{}")

    def tell(self, target: str, body: bytes) -> Answer:
        return Answer(200 if target.endswith("/label") else 404, "application/json", body)
