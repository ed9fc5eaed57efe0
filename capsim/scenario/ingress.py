"""Who routes the requests that Ingresses describe, and which Service answers which URL.

Rules of networking.k8s.io/v1: an exact host goes before a wildcard, which stands for one label, and that before rules
without a host; within a host the longest path counts, Exact before Prefix, which is compared element by element. Of two
equal paths the first one that was read counts, where controllers take the older one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from capsim.scenario.kubernetes.ingress import IngressBackend, IngressPath, KIngress
from capsim.scenario.model import Model, Text, problem
from capsim.scenario.network import LoadBalancer

SCHEMES = ("http://", "https://")
"""A key of `traffic` that begins so is a URL."""


class IngressClassSpec(Model):
    """What stands behind an IngressClass."""

    service: Text | None = Field(
        None, description="The Service of the controller's pods: each request costs them what `workloads` says."
    )
    load_balancer: LoadBalancer | None = Field(
        None, description="Or a load balancer of the cloud for each Ingress, or group of them; `{}` for the defaults."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.service is None) == (self.load_balancer is None):
            raise problem("a class has pods that route, or load balancers", "one of service and loadBalancer")
        return self


class Shadow(NamedTuple):
    """A path that is never reached: an equal one comes first."""

    ingress: KIngress
    path: IngressPath
    first: KIngress


def backends(ingress: KIngress) -> list[str]:
    """Keys of the Services that an Ingress names, each once."""
    found = [path.backend for path in ingress.paths]
    found += [ingress.default_backend] if ingress.default_backend is not None else []
    return list(dict.fromkeys(f"{ingress.namespace}/{backend.service}" for backend in found))


def matches(path: IngressPath, asked: str) -> bool:
    """Whether a path is the one that is asked for, by its type."""
    if path.path_type == "Exact":
        return path.path == asked
    mine, theirs = _elements(path.path), _elements(asked)
    return theirs[: len(mine)] == mine


def _length(path: IngressPath) -> int:
    """Length by which paths are ranked; a slash at the end of a prefix does not count."""
    return len(path.path) if path.path_type == "Exact" else len("/" + "/".join(_elements(path.path)))


def _elements(path: str) -> list[str]:
    return path.strip("/").split("/") if path.strip("/") else []


def answering(ingresses: Sequence[KIngress], url: str) -> tuple[KIngress, IngressBackend] | None:
    """The Ingress and the backend that answer a URL; None: no rule matches and there is no default backend."""
    host, _, path = url.partition("://")[2].partition("/")
    host = host.partition(":")[0].lower()
    for level in (host, "*." + host.partition(".")[2], ""):
        rules = [(one, path_) for one in ingresses for path_ in one.paths if path_.host.lower() == level]
        if rules:
            fitting = [(one, rule) for one, rule in rules if matches(rule, f"/{path}")]
            if fitting:
                ingress, rule = max(fitting, key=lambda pair: (_length(pair[1]), pair[1].path_type == "Exact"))
                return ingress, rule.backend
            break
    return next(((one, one.default_backend) for one in ingresses if one.default_backend is not None), None)


def shadowed(ingresses: Sequence[KIngress]) -> Iterator[Shadow]:
    """Paths of one class that an equal path before them hides."""
    first: dict[tuple[str, str, bool, str], KIngress] = {}
    for ingress in ingresses:
        for path in ingress.paths:
            exact = path.path_type == "Exact"
            text = path.path if exact else "/".join(_elements(path.path))
            key = (ingress.class_name, path.host.lower(), exact, text)
            if key in first:
                yield Shadow(ingress, path, first[key])
            first.setdefault(key, ingress)
