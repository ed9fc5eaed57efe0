"""What traffic between clients, nodes and zones costs, and what a load balancer can do.

Prices are defaults of AWS in us-east-1 (2026): 0.01 USD per GB and direction between zones, an Application Load
Balancer for 0.0225 USD per hour and 0.008 USD per capacity unit (25 new connections a second, or 1 GB an hour).
"""

from __future__ import annotations

from pydantic import Field

from capsim.scenario.model import Bytes, Milliseconds, Model, NotNegative, Positive


class LoadBalancer(Model):
    """The load balancer in front of a Service of type LoadBalancer, or of an Ingress controller."""

    price_per_hour_usd: NotNegative = Field(0.0225, alias="pricePerHour", description="USD per hour.")
    price_per_unit_usd: NotNegative = Field(
        0.008, alias="pricePerUnit", description="USD per hour and capacity unit (LCU)."
    )
    unit_rps: Positive = Field(25.0, alias="unitRps", description="Requests per second of a capacity unit.")
    unit_bytes: Bytes = Field(
        1_000_000_000, gt=0, alias="unitBytes", description="Bytes per hour, both ways, of a capacity unit."
    )
    max_rps: Positive | None = Field(
        None, alias="maxRps", description="Requests per second that it passes on at most; the others are refused."
    )
    health_check_ms: Milliseconds = Field(
        20_000,
        alias="healthCheck",
        description="How long a node without a Ready pod still gets traffic (`externalTrafficPolicy: Local`): two "
        "failed checks, 10 s apart.",
    )


class ServiceNetwork(Model):
    """Bytes of a service's requests and its load balancer; a service that has it is in the frame `network`."""

    request_bytes: Bytes = Field(0, alias="requestBytes", description="Bytes of a request to a pod.")
    response_bytes: Bytes = Field(0, alias="responseBytes", description="Bytes of its answer.")
    cross_zone_price_per_gb_usd: NotNegative = Field(
        0.02, alias="crossZonePricePerGB", description="USD per GB (10^9 bytes) between zones, both sides together."
    )
    load_balancer: LoadBalancer | None = Field(
        None, alias="loadBalancer", description="Its load balancer, `{}` for the defaults; Services of that type only."
    )
