"""How many requests a caller may send."""

import pytest
from aiohttp import web
from support.edge_server import ERROR_FIELDS, Serve, Server
from yarl import URL

from paas_stream.access import Caller
from web import callers, hops
from web.contract.operation import UNLIMITED
from web.faults import ApiError


class TestARateLimit:
    async def test_refuses_with_the_time_to_wait(self, serve: Serve) -> None:
        server = await serve(rate_per_s=0.1, rate_burst=3)
        assert [await server.status("GET", "/ok") for _ in range(3)] == [200] * 3
        async with server.ask("GET", "/ok") as answer:
            assert answer.status == 429
            assert 1 <= int(answer.headers["Retry-After"]) <= 10
            assert set(await answer.json()) == ERROR_FIELDS
            assert answer.headers["X-Request-Id"]

    async def test_is_off_unless_it_is_set(self, serve: Serve) -> None:
        server = await serve(rate_burst=1)
        assert [await server.status("GET", "/ok") for _ in range(5)] == [200] * 5

    async def test_leaves_probes_and_other_workers_alone(self, serve: Serve) -> None:
        server = await serve(rate_per_s=0.1, rate_burst=1)
        assert [await server.status("GET", "/healthz") for _ in range(3)] == [200] * 3
        hop = hops.headers("GET", URL(f"http://127.0.0.1:{server.port}/ok"))
        assert [await server.status("GET", "/ok", headers=hop) for _ in range(3)] == [200] * 3
        assert await server.status("GET", "/ok") == 200
        assert await server.status("GET", "/ok") == 429

    async def test_counts_what_does_not_exist_too(self, serve: Serve) -> None:
        server = await serve(rate_per_s=0.1, rate_burst=1)
        assert await server.status("GET", "/nowhere") == 404
        assert await server.status("GET", "/nowhere") == 429

    async def test_counts_each_address_behind_a_trusted_proxy(self, serve: Serve) -> None:
        server = await serve(rate_per_s=0.1, rate_burst=1, trusted_proxies=["127.0.0.1"])

        async def of(address: str) -> int:
            return await server.status("GET", "/ok", headers={"X-Forwarded-For": address})

        assert [await of("192.0.2.1"), await of("192.0.2.2"), await of("192.0.2.1")] == [
            200,
            200,
            429,
        ]

    async def test_cannot_be_escaped_by_another_address(self, serve: Serve) -> None:
        server = await serve(rate_per_s=0.1, rate_burst=1)
        headers = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(2)]
        assert [await server.status("GET", "/ok", headers=one) for one in headers] == [200, 429]


class TestARateLimitOfUsers:
    @pytest.fixture(autouse=True)
    def _tokens_are_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A token is its user's name, and `wrong` is none."""

        async def caller(request: web.Request) -> Caller:
            token = request.headers["Authorization"].removeprefix("Bearer ")
            if token == "wrong":
                raise ApiError(401, "the token is not valid")
            return Caller("https://iam.example.org", token)

        monkeypatch.setattr(callers, "caller", caller)

    @staticmethod
    async def of(server: Server, token: str) -> int:
        return await server.status("GET", "/ok", headers={"Authorization": f"Bearer {token}"})

    async def test_counts_each_user_on_one_address(self, serve: Serve) -> None:
        server = await serve(rate_per_s=0.1, rate_burst=1)
        found = [await self.of(server, token) for token in ("ada", "bob", "ada")]
        assert found == [200, 200, 429]

    async def test_follows_a_user_to_other_addresses(self, serve: Serve) -> None:
        server = await serve(rate_per_s=0.1, rate_burst=1, trusted_proxies=["127.0.0.1"])
        found = []
        for number in range(2):
            headers = {"Authorization": "Bearer ada", "X-Forwarded-For": f"192.0.2.{number}"}
            found.append(await server.status("GET", "/ok", headers=headers))
        assert found == [200, 429]

    async def test_counts_refused_logins_by_their_address(self, serve: Serve) -> None:
        server = await serve(rate_per_s=0.1, rate_burst=2)
        found = [await self.of(server, token) for token in ("wrong", "wrong", "wrong", "ada")]
        assert found[2:] == [429, 200]


def test_probes_of_the_operators_are_exempt_by_their_path() -> None:
    assert {"/healthz", "/readyz", "/metrics"} == UNLIMITED
