"""Subnets: addresses that machines and pods of several node groups share."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Self

from pydantic import Field, model_validator

from capsim.scenario.model import AtLeastOne, Integer, Milliseconds, Model, Text, WholeNumber, problem

RESERVED = 5
"""Addresses of a cloud's subnet that nobody gets (AWS and Azure: the first four and the last)."""


class Subnet(Model):
    """A range of addresses, `{cidr: 10.0.0.0/20}` or `{addresses: 4091}`."""

    cidr: Text | None = Field(None, description="IPv4 range, such as 10.0.0.0/20.")
    addresses: WholeNumber | None = Field(None, description="How many addresses there are to give, instead of `cidr`.")
    reserved: WholeNumber = Field(
        RESERVED, description="Addresses of `cidr` that nobody gets (AWS, Azure: 5; a range of pods: 0)."
    )

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.cidr is None) == (self.addresses is None):
            raise problem("a subnet has a cidr or a number of addresses", "cidr: 10.0.0.0/20, or addresses: 4091")
        if self.cidr is not None:
            try:
                ipaddress.IPv4Network(self.cidr)
            except ValueError:
                raise problem(
                    "not an IPv4 range", "an address without host bits and a mask: 10.0.0.0/20", key="cidr"
                ) from None
        return self

    def size(self) -> int:
        """Addresses that machines and pods can have."""
        if self.cidr is None:
            return self.addresses or 0
        return max(0, ipaddress.IPv4Network(self.cidr).num_addresses - self.reserved)


class PodAddresses(Model):
    """Where the pods of a node group get their addresses from."""

    subnet: Text | dict[Text, Text] | None = Field(
        None, description="Name of the subnet, or one for each zone; default: that of the machines."
    )
    block: AtLeastOne = Field(
        1, description="Addresses that a node takes at a time (prefix delegation of the AWS VPC CNI: 16; Calico: 64)."
    )
    warm: WholeNumber = Field(
        0,
        description="Free addresses that a node keeps at hand (WARM_IP_TARGET; with the AWS VPC CNI's default, "
        "WARM_ENI_TARGET=1, as many as a network interface holds).",
    )
    cool_down_ms: Milliseconds = Field(
        30_000,
        alias="coolDown",
        description="How long the address of a pod that is gone is kept back (AWS VPC CNI, IP_COOLDOWN_PERIOD: 30s).",
    )
    node_mask: Annotated[Integer, Field(ge=8, le=30)] | None = Field(
        None,
        alias="nodeMask",
        description="Every node gets one range with this mask for good (kube-controller-manager's node-cidr-mask-size, "
        "24 by default there); instead of block, warm and coolDown.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.node_mask is not None and {"block", "warm", "cool_down_ms"} & self.model_fields_set:
            raise problem(
                "a node's one range is neither taken in blocks nor kept warm", "nodeMask alone", key="nodeMask"
            )
        return self

    def block_size(self) -> int:
        """Addresses that a node takes at a time."""
        return self.block if self.node_mask is None else 1 << (32 - self.node_mask)
