# SPDX-License-Identifier: Apache-2.0
"""The XML in units/ is the contract: what the daemon shows of itself is that, no more, no less."""

import pathlib
import xml.etree.ElementTree as tree

import pytest

UNITS = pathlib.Path(__file__).resolve().parents[2] / "units"
EMITS = "org.freedesktop.DBus.Property.EmitsChangedSignal"
STANDARD = {"org.freedesktop.DBus.Introspectable", "org.freedesktop.DBus.Peer",
            "org.freedesktop.DBus.Properties"}


def arguments(element, direction=None):
    return [(a.get("name"), a.get("type"), a.get("direction", direction))
            for a in element.findall("arg")]


def annotations(element):
    return {a.get("name"): a.get("value") for a in element.findall("annotation")}


def members(interface):
    """Everything that is compared, by kind and name."""
    found = {}
    for element in interface:
        key = element.tag, element.get("name")
        assert key not in found, key
        if element.tag == "method":
            found[key] = arguments(element, "in")
        elif element.tag == "signal":
            found[key] = arguments(element)
        elif element.tag == "property":
            found[key] = (element.get("type"), element.get("access"),
                          annotations(element).get(EMITS, "true"))
    return found


def live_node(box, path, user=None):
    text = box.ok(["busctl", "--xml-interface", "introspect", "org.sealsd1", path], user)
    return tree.fromstring(text)


def interface_of(node, name):
    return next(i for i in node.findall("interface") if i.get("name") == name)


def written(name):
    return members(interface_of(tree.parse(UNITS / f"{name}.xml").getroot(), name))


def path_of(box, kind):
    return {"Manager": "/org/sealsd1", "Request": "/org/sealsd1/request/1",
            "Seal": f"/org/sealsd1/seal/{box['SEAL']}"}[kind]


@pytest.mark.parametrize("kind", ["Manager", "Request", "Seal"])
def test_live_interface_is_the_written_one(shared, kind):
    name = f"org.sealsd1.{kind}"
    node = live_node(shared, path_of(shared, kind))
    assert {i.get("name") for i in node.findall("interface")} == STANDARD | {name}
    assert members(interface_of(node, name)) == written(name)


@pytest.mark.parametrize("kind", ["Manager", "Request", "Seal"])
def test_every_written_argument_has_a_name(kind):
    for member, value in written(f"org.sealsd1.{kind}").items():
        if isinstance(value, list):
            assert all(name for name, _, _ in value), member


def test_every_property_can_be_read_by_an_administrator(shared):
    for kind in ("Manager", "Request", "Seal"):
        for tag, name in written(f"org.sealsd1.{kind}"):
            if tag == "property":
                shared.property(path_of(shared, kind), kind, name)


def test_a_leaf_lists_no_children(shared):
    for kind in ("Request", "Seal"):
        assert live_node(shared, path_of(shared, kind)).findall("node") == []


def test_folders_list_what_the_caller_sees(shared):
    names = [n.get("name") for n in live_node(shared, "/org/sealsd1/seal").findall("node")]
    assert names == [shared["SEAL"]]
    stranger = live_node(shared, "/org/sealsd1/seal", shared["SEAL_STRANGER"])
    assert stranger.findall("node") == []
