"""Ingresses: which Service answers a URL, who routes it, and what cannot be."""

from __future__ import annotations

import pytest
import yaml

from capsim.errors import ScenarioError
from capsim.scenario import load
from capsim.scenario.importers.assemble import Options, imported
from capsim.scenario.importers.write import write_scenario
from capsim.scenario.ingress import answering
from capsim.scenario.kubernetes.ingress import IngressBackend, IngressPath, KIngress


def rule(host, path, service, kind="Prefix"):
    return IngressPath(host=host, path=path, path_type=kind, backend=IngressBackend(service=service))


RULES = KIngress(
    namespace="shop",
    name="web",
    paths=[
        rule("a.example.com", "/", "front"),
        rule("a.example.com", "/cart", "cart"),
        rule("a.example.com", "/cart/pay", "prefix"),
        rule("a.example.com", "/cart/pay", "exact", "Exact"),
        rule("*.example.com", "/", "wild"),
        rule("b.example.com", "/only", "only"),
    ],
    default_backend=IngressBackend(service="default"),
)


@pytest.mark.plain
@pytest.mark.parametrize(
    ("url", "service"),
    [
        ("https://a.example.com", "front"),
        ("https://a.example.com/cart", "cart"),
        ("https://a.example.com/cart/", "cart"),
        ("https://a.example.com/cartoon", "front"),
        ("http://A.example.com:8080/cart/pay", "exact"),
        ("https://a.example.com/cart/pay/now", "prefix"),
        ("https://c.example.com/cart", "wild"),
        ("https://x.c.example.com/", "default"),
        ("https://b.example.com/other", "default"),
    ],
)
def test_the_most_specific_host_and_the_longest_path_count(url, service):
    found = answering([RULES], url)
    assert found is not None
    assert found[1].service == service


def deployment(name):
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def service(name, kind="ClusterIP"):
    spec = {"selector": {"app": name}, "type": kind}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def ingress(paths, version="networking.k8s.io/v1", annotations=None, **spec):
    entries = [
        {"path": path, "pathType": "Prefix", "backend": {"service": {"name": to, "port": {"number": 80}}}}
        if isinstance(to, str)
        else {"path": path, "pathType": "Prefix", "backend": to}
        for path, to in paths
    ]
    body = {"ingressClassName": "nginx", "rules": [{"host": "shop.example", "http": {"paths": entries}}], **spec}
    return {
        "apiVersion": version,
        "kind": "Ingress",
        "metadata": {"name": "web", "annotations": annotations or {}},
        "spec": {key: value for key, value in body.items() if value is not None},
    }


def document(objects, **keys):
    made = [part(name) for name in ("front", "cart", "router") for part in (deployment, service)]
    return {
        "apiVersion": "capsim/v1",
        "nodeGroups": [{"name": "n", "instance": {"cpu": 8, "memory": "16Gi"}, "max": 1}],
        "ingressClasses": {"nginx": {"service": "router"}},
        "traffic": {"https://shop.example/": 10, "https://shop.example/cart": 5, "https://shop.example/cart/1": 2},
        "objects": [*made, *objects],
        **keys,
    }


def loaded(tmp_path, objects, **keys):
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(document(objects, **keys)))
    return load(path)


SHOP = ingress([("/", "front"), ("/cart", "cart")])


@pytest.mark.plain
def test_a_controller_calls_one_of_its_backends_and_the_resolved_scenario_keeps_that(tmp_path):
    scenario = loaded(tmp_path, [SHOP])
    (call,) = scenario.services["default/router"].calls
    assert [(one.service, one.ingress) for one in call.one_of] == [("default/front", True), ("default/cart", True)]
    assert scenario.traffic["default/cart"].peak() == 7.0, "two URLs of one Service are added up"
    again = tmp_path / "again.yaml"
    again.write_text(scenario.dump_resolved())
    assert load(again) == scenario


@pytest.mark.plain
@pytest.mark.parametrize(
    ("changed", "keys", "message"),
    [
        ([ingress([("/", "front"), ("/cart", "cart"), ("/x", "nobody")])], {}, "default/nobody"),
        ([SHOP], {"ingressClasses": {"ngin": {"service": "router"}}}, 'did you mean "nginx"'),
        ([SHOP], {"ingressClasses": {"nginx": {}}}, "one of service and loadBalancer"),
        ([SHOP], {"traffic": {"https://other.example/": 1}}, "no Ingress has a rule for this URL"),
        ([SHOP], {"traffic": {"https://shop.example/": 1, "front": 2}}, "traffic by name"),
        ([ingress([("cart", "cart")])], {}, "begins with /"),
        ([ingress([("/", {})])], {}, "a backend without a Service"),
        ([SHOP], {"services": {"front": {"calls": [{"service": "router"}]}}}, "round in a circle"),
    ],
)
def test_what_cannot_be_is_said_with_what_is_allowed(tmp_path, changed, keys, message):
    with pytest.raises(ScenarioError) as error:
        loaded(tmp_path, changed, **keys)
    assert message in str(error.value)
    assert all(problem.file for problem in error.value.problems)


@pytest.mark.plain
def test_what_is_not_modelled_is_listed(tmp_path):
    bucket = {"resource": {"apiGroup": "k8s.example", "kind": "Bucket", "name": "b"}}
    objects = [ingress([("/", "front"), ("/cart", "cart"), ("/cart/", "front"), ("/s", bucket)])]
    scenario = loaded(tmp_path, objects)
    assert any("resource backend" in line.text for line in scenario.inventory.not_modelled)
    assert any("never reached" in line.text for line in scenario.inventory.warnings)
    other = loaded(tmp_path, objects, ingressClasses={})
    assert any("name its class" in line.text for line in other.inventory.not_modelled)
    assert other.services.keys() == {"default/front", "default/cart"}


@pytest.mark.plain
def test_old_versions_annotations_and_default_classes(tmp_path):
    old = {"serviceName": "front", "servicePort": 80}
    by_annotation = {"kubernetes.io/ingress.class": "nginx"}
    objects = [ingress([("/", old)], "networking.k8s.io/v1beta1", by_annotation, ingressClassName=None)]
    traffic = {"https://shop.example/": 1}
    assert loaded(tmp_path, objects, traffic=traffic).services["default/router"].calls
    default = {"metadata": {"name": "nginx", "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}}}
    default |= {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "spec": {"controller": "k8s.io/x"}}
    objects = [ingress([("/", "front")], ingressClassName=None), default]
    assert loaded(tmp_path, objects, traffic=traffic).services["default/router"].calls


@pytest.mark.plain
def test_an_import_keeps_ingresses_with_their_class(tmp_path):
    dump = tmp_path / "dump.yaml"
    hidden = {"nginx.ingress.kubernetes.io/auth-secret": "hush", "kubernetes.io/ingress.class": "nginx"}
    kept = ingress([("/", "front")], annotations=hidden, ingressClassName=None)
    dump.write_text(yaml.safe_dump_all([deployment("front"), service("front"), kept]))
    made = imported([str(dump)], Options(nodes="1x4cpu-16Gi"))
    (found,) = [item for item in made.objects if item["kind"] == "Ingress"]
    assert found["spec"]["ingressClassName"] == "nginx"
    assert "hush" not in str(made.objects)
    assert "1 Ingress" in made.findings.understood


@pytest.mark.plain
@pytest.mark.parametrize(
    ("controller", "address", "expected"),
    [
        ("k8s.io/ingress-nginx", "192.0.2.1", {"nginx": {"service": "default/router"}}),
        ("example.com/router", "", {"nginx": {"service": "default/router"}}),
        ("k8s.io/ingress-nginx", "192.0.2.9", {}),
        ("ingress.k8s.aws/alb", "", {"nginx": {"loadBalancer": {}}}),
    ],
)
def test_an_import_finds_who_routes(tmp_path, controller, address, expected):
    router = service("router", "LoadBalancer")
    router["spec"]["selector"] = {"app.kubernetes.io/name": "router"}
    router["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    pods = deployment("router")
    labels = {"app": "router", "app.kubernetes.io/name": "router"}
    pods["spec"]["template"]["metadata"]["labels"] = labels
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"}}
    shop = ingress([("/", "front")])
    shop["status"] = {"loadBalancer": {"ingress": [{"ip": address}] if address else []}}
    objects = [deployment("front"), service("front"), pods, router, {**kind, "spec": {"controller": controller}}, shop]
    dump = tmp_path / "dump.yaml"
    dump.write_text(yaml.safe_dump_all(objects))
    made = imported([str(dump)], Options(nodes="1x4cpu-16Gi"))
    assert made.ingress_classes == expected
    assert bool(expected) != any("who routes them" in line.text for line in made.findings.not_modelled)
    write_scenario(made, tmp_path / "out")
    scenario = load(tmp_path / "out", sets=["traffic.front=5"])
    assert bool(scenario.services.get("default/router")) == ("service" in str(expected))
