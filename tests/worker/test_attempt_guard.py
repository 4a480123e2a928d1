"""Two hundred ways to make a webhook call what it must not; each is refused, with its reason.

None of them may reach the network: the dialler of these tests fails when it is asked.
"""

from __future__ import annotations

import socket

import pytest

from moderation.addresses import ADDRESS_BLOCKS, check_url, refusal_reason
from moderation.errors import InvalidInput
from tests.support.receiver import Receiver, redirect
from worker.attempt import attempt

PUBLIC = "9.9.9.9"

#: (URL, reason): hosts that are addresses, in every form that some parser accepts.
URLS = [
    # Loopback, and its other spellings.
    ("http://127.0.0.1/", "127.0.0.1 is loopback"),
    ("http://127.0.0.1:6379/", "loopback"),
    ("https://127.0.0.1/", "loopback"),
    ("HTTP://127.0.0.1/", "loopback"),
    ("http://127.0.0.2/", "loopback"),
    ("http://127.255.255.254/", "loopback"),
    ("http://localhost/", "loopback"),
    ("http://LOCALHOST/", "loopback"),
    ("http://localhost./", "loopback"),
    ("http://a.localhost/", "loopback"),
    ("http://localhost.localdomain/", "loopback"),
    ("http://127.1/", "number for a host"),
    ("http://127.0.1/", "number for a host"),
    ("http://127.0.0.1./", "number for a host"),
    ("http://2130706433/", "number for a host"),
    ("http://02130706433/", "number for a host"),
    ("http://017700000001/", "number for a host"),
    ("http://0177.0.0.1/", "number for a host"),
    ("http://0177.0000.0000.0001/", "number for a host"),
    ("http://127.0.0.01/", "number for a host"),
    ("http://0x7f000001/", "number for a host"),
    ("http://0X7F000001/", "number for a host"),
    ("http://0x7f.0x0.0x0.0x1/", "number for a host"),
    ("http://0x7f.1/", "number for a host"),
    ("http://127.0.0.0x1/", "number for a host"),
    ("http://127.0.0.1.1/", "number for a host"),
    ("http://00000000000000000000000000000177.1/", "number for a host"),
    ("http://4294967297/", "number for a host"),
    ("http://425.510.425.510/", "number for a host"),
    ("http://0/", "number for a host"),
    ("http://0x/", "number for a host"),
    ("http://blog.example.1/", "number for a host"),
    ("http://127.0.0.1.nip.io.0x7f/", "number for a host"),
    ("http://0.0.0.0/", "unspecified"),
    ("http://0.0.0.0:8025/", "unspecified"),
    ("http://0.1.2.3/", "unspecified"),
    ("http://[::]/", "unspecified"),
    ("http://[0:0:0:0:0:0:0:0]/", "unspecified"),
    ("http://[::1]/", "loopback"),
    ("http://[::1]:6379/", "loopback"),
    ("http://[0:0:0:0:0:0:0:1]/", "loopback"),
    ("http://[0000::0001]/", "loopback"),
    ("http://[::0.0.0.1]/", "loopback"),
    # Private networks.
    ("http://10.0.0.1/", "10.0.0.1 is private"),
    ("http://10.255.255.255/", "private"),
    ("http://172.16.0.1/", "private"),
    ("http://172.31.255.255/", "private"),
    ("http://192.168.0.1/", "private"),
    ("http://192.168.255.255/", "private"),
    ("http://[fc00::1]/", "private"),
    ("http://[fd12:3456:789a::1]/", "private"),
    ("http://[fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]/", "private"),
    ("http://[fec0::1]/", "site-local"),
    ("http://100.64.0.1/", "CGNAT"),
    ("http://100.127.255.254/", "CGNAT"),
    ("http://198.18.0.1/", "benchmarks"),
    ("http://198.19.255.254/", "benchmarks"),
    ("http://[2001:2::1]/", "benchmarks"),
    # Where clouds keep their credentials.
    ("http://169.254.169.254/latest/meta-data/", "link-local"),
    ("http://169.254.170.2/", "link-local"),
    ("http://169.254.0.1/", "link-local"),
    ("http://2852039166/", "number for a host"),
    ("http://0xa9fea9fe/", "number for a host"),
    ("http://0251.0376.0251.0376/", "number for a host"),
    ("http://169.16689662/", "number for a host"),
    ("http://169.254.43518/", "number for a host"),
    ("http://0xa9.0xfe.0xa9.0xfe/", "number for a host"),
    ("http://[fe80::1]/", "link-local"),
    ("http://[febf::1]/", "link-local"),
    ("http://[fe80::1%25eth0]/", "zone id"),
    ("http://[fe80::1%eth0]/", "zone id"),
    ("http://[2606:4700::1%25eth0]/", "zone id"),
    ("http://[fd00:ec2::254]/", "cloud metadata"),
    ("http://[fd20:ce::254]/", "cloud metadata"),
    ("http://100.100.100.200/", "cloud metadata"),
    ("http://168.63.129.16/", "cloud metadata"),
    ("http://192.0.0.192/", "cloud metadata"),
    # What nobody has.
    ("http://192.0.0.1/", "reserved for protocols"),
    ("http://192.0.2.1/", "documentation"),
    ("http://198.51.100.1/", "documentation"),
    ("http://203.0.113.1/", "documentation"),
    ("http://[2001:db8::1]/", "documentation"),
    ("http://[3fff::1]/", "documentation"),
    ("http://192.88.99.1/", "6to4 relay"),
    ("http://224.0.0.1/", "multicast"),
    ("http://239.255.255.250/", "multicast"),
    ("http://[ff02::1]/", "multicast"),
    ("http://[ff0e::1]/", "multicast"),
    ("http://240.0.0.1/", "reserved"),
    ("http://254.255.255.255/", "reserved"),
    ("http://255.255.255.255/", "broadcast"),
    ("http://[100::1]/", "reserved"),
    ("http://[5f00::1]/", "reserved"),
    ("http://[4000::1]/", "reserved"),
    ("http://[2001:10::1]/", "reserved for protocols"),
    ("http://[2001:20::1]/", "reserved for protocols"),
    # An IPv4 address inside an IPv6 one.
    ("http://[::ffff:127.0.0.1]/", "IPv4-mapped: 127.0.0.1 is loopback"),
    ("http://[::ffff:7f00:1]/", "IPv4-mapped: 127.0.0.1 is loopback"),
    ("http://[0:0:0:0:0:ffff:7f00:0001]/", "IPv4-mapped: 127.0.0.1 is loopback"),
    ("http://[::FFFF:127.0.0.1]/", "IPv4-mapped: 127.0.0.1 is loopback"),
    ("http://[::ffff:169.254.169.254]/", "IPv4-mapped: 169.254.169.254 is link-local"),
    ("http://[::ffff:a9fe:a9fe]/", "IPv4-mapped: 169.254.169.254 is link-local"),
    ("http://[::ffff:10.0.0.1]/", "IPv4-mapped: 10.0.0.1 is private"),
    ("http://[::ffff:0.0.0.0]/", "IPv4-mapped: 0.0.0.0 is unspecified"),
    ("http://[::ffff:0:127.0.0.1]/", "IPv4-translated: 127.0.0.1 is loopback"),
    ("http://[::ffff:0:a9fe:a9fe]/", "IPv4-translated: 169.254.169.254 is link-local"),
    ("http://[::127.0.0.1]/", "reserved"),
    ("http://[::a9fe:a9fe]/", "reserved"),
    ("http://[64:ff9b::127.0.0.1]/", "NAT64: 127.0.0.1 is loopback"),
    ("http://[64:ff9b::7f00:1]/", "NAT64: 127.0.0.1 is loopback"),
    ("http://[64:ff9b::a9fe:a9fe]/", "NAT64: 169.254.169.254 is link-local"),
    ("http://[64:ff9b::10.1.2.3]/", "NAT64: 10.1.2.3 is private"),
    ("http://[64:ff9b:1::a9fe:a9fe]/", "private NAT64"),
    ("http://[64:ff9b:1:ffff::7f00:1]/", "private NAT64"),
    ("http://[64:ff9b:2::1]/", "reserved"),
    ("http://[2002:7f00:1::]/", "carries an address: 127.0.0.1 is loopback"),
    ("http://[2002:7f00:1::1]/", "carries an address: 127.0.0.1 is loopback"),
    ("http://[2002:a9fe:a9fe::1]/", "carries an address: 169.254.169.254 is link-local"),
    ("http://[2002:a00:1::1]/", "carries an address: 10.0.0.1 is private"),
    ("http://[2002:c0a8:1::1]/", "carries an address: 192.168.0.1 is private"),
    ("http://[2002:909:909::1]/", "6to4"),
    ("http://[2001:0:7f00:1::1]/", "carries an address: 127.0.0.1 is loopback"),
    ("http://[2001:0:909:909:0:0:80ff:fffe]/", "carries an address: 127.0.0.1 is loopback"),
    ("http://[2001:0:909:909:0:0:5601:5601]/", "carries an address: 169.254.169.254 is link-local"),
    ("http://[2001:0:909:909:0:0:f6f6:f6f6]/", "Teredo"),
    ("http://[2606:4700::5efe:7f00:1]/", "carries an address: 127.0.0.1 is loopback"),
    ("http://[2606:4700::5efe:10.0.0.1]/", "carries an address: 10.0.0.1 is private"),
    ("http://[2606:4700::200:5efe:a9fe:a9fe]/", "carries an address: 169.254.169.254"),
    # Hosts that two parsers read differently.
    ("http://user@127.0.0.1/", "user or password"),
    ("http://user:password@blog.example/", "user or password"),
    ("http://blog.example@127.0.0.1/", "user or password"),
    ("http://blog.example:80@127.0.0.1/", "user or password"),
    ("http://blog.example%40127.0.0.1/", "escape"),
    ("http://@blog.example/", "user or password"),
    ("http://127.0.0.1#@blog.example/", "fragment"),
    ("http://blog.example/#127.0.0.1", "fragment"),
    ("http://blog.example#", "fragment"),
    ("http://127.0.0.1\\@blog.example/", "backslash"),
    ("http://blog.example\\.127.0.0.1/", "backslash"),
    ("http:\\\\127.0.0.1/", "backslash"),
    ("http://blog.example /", "space"),
    ("http://blog.example\t/", "space"),
    (" http://blog.example/", "space"),
    ("http://blog.example/\r\nHost: 127.0.0.1", "space"),
    ("http://blog.example/a b", "space"),
    ("http://blog.example/\x00", "control"),
    ("http://127.0.0.1\x00.blog.example/", "control"),
    ("http://127.0.0.1%00.blog.example/", "escape"),
    ("http://127.0.0.1%2f.blog.example/", "escape"),
    ("http://%31%32%37.0.0.1/", "escape"),
    ("http://127.0.0%2e1/", "escape"),
    ("http://[127.0.0.1]/", "brackets"),
    ("http://[blog.example]/", "brackets"),
    ("http://[::1/", "more than one way"),
    ("http://::1/", "more than one way"),
    ("http://::ffff:127.0.0.1/", "more than one way"),
    ("http://[::1]blog.example/", "more than one way"),
    ("http://blog.example[::1]/", "more than one way"),
    ("http://[[::1]]/", "more than one way"),
    ("http://[::1]]/", "more than one way"),
    ("http://[:::1]/", "no IPv6 address"),
    ("http://[v1.fe80::a]/", "no IPv6 address"),
    ("http://[::1::]/", "no IPv6 address"),
    ("http://127.0.0.1:80:80/", "more than one way"),
    ("http://blog.example:80:127.0.0.1/", "more than one way"),
    ("http://blog.example:0/", "port"),
    ("http://blog.example:65536/", "port"),
    ("http://blog.example:99999999999/", "port"),
    ("http://blog.example:-80/", "port"),
    ("http://blog.example:+80/", "port"),
    ("http://blog.example:80a/", "port"),
    ("http://blog.example:/", "port"),
    ("http:///", "no host"),
    ("http://", "no host"),
    ("http://:80/", "no host"),
    ("http://?", "no host"),
    ("http:/127.0.0.1/", "no http"),
    ("http:127.0.0.1/", "no http"),
    ("//127.0.0.1/", "no http"),
    ("127.0.0.1", "no http"),
    ("", "no http"),
    ("http://.blog.example/", "no name"),
    ("http://blog..example/", "no name"),
    ("http://-blog.example/", "no name"),
    ("http://blog,example/", "no name"),
    ("http://blog;127.0.0.1/", "number for a host"),
    ("http://$(id)/", "no name"),
    ("http://*/", "no name"),
    ("http://" + "a" * 64 + ".example/", "no name"),
    ("http://" + "a." * 130 + "example/", "no name"),
    ("http://blog.example/" + "a" * 2048, "longer than"),
    # Look-alikes that some libraries fold into ASCII.
    ("http://①②⑦.⓪.⓪.①/", "ASCII"),
    ("http://127。0。0。1/", "ASCII"),
    ("http://１２７.0.0.1/", "ASCII"),
    ("http://ⓛocalhost/", "ASCII"),
    ("http://localhoſt/", "ASCII"),
    ("http://١٢٧.0.0.1/", "ASCII"),
    ("http://blog.example／@127.0.0.1/", "ASCII"),
    ("http://blog\u200b.example/", "ASCII"),
    # Other ways to speak.
    ("file:///etc/passwd", "file://"),
    ("gopher://127.0.0.1:6379/_FLUSHALL", "gopher://"),
    ("ftp://127.0.0.1/", "ftp://"),
    ("dict://127.0.0.1:6379/info", "dict://"),
    ("ldap://127.0.0.1/", "ldap://"),
    ("ws://127.0.0.1/", "ws://"),
    ("unix:///var/run/docker.sock", "unix://"),
    ("http+unix://%2Fvar%2Frun%2Fdocker.sock/", "http+unix://"),
    ("jar:http://127.0.0.1!/", "no http"),
    ("data:text/html,x", "no http"),
    ("javascript:alert(1)", "no http"),
    ("httpx://127.0.0.1/", "httpx://"),
    ("url:http://127.0.0.1/", "no http"),
]

#: (addresses that the name server gives, reason): one that must not be dialled is enough.
ANSWERS = [
    (["127.0.0.1"], "127.0.0.1 is loopback"),
    (["10.0.0.1"], "private"),
    (["172.16.5.4"], "private"),
    (["192.168.1.1"], "private"),
    (["169.254.169.254"], "link-local"),
    (["100.64.0.1"], "CGNAT"),
    (["0.0.0.0"], "unspecified"),
    (["255.255.255.255"], "broadcast"),
    (["224.0.0.1"], "multicast"),
    (["192.0.2.1"], "documentation"),
    (["::1"], "loopback"),
    (["::"], "unspecified"),
    (["fc00::1"], "private"),
    (["fe80::1"], "link-local"),
    (["fe80::1%eth0"], "zone id"),
    (["2606:4700::1%2"], "zone id"),
    (["::ffff:127.0.0.1"], "IPv4-mapped"),
    (["::ffff:169.254.169.254"], "IPv4-mapped"),
    (["64:ff9b::a9fe:a9fe"], "NAT64"),
    (["2002:7f00:1::1"], "carries"),
    (["2001:0:909:909:0:0:80ff:fffe"], "carries"),
    (["fd00:ec2::254"], "cloud metadata"),
    (["100.100.100.200"], "cloud metadata"),
    ([PUBLIC, "127.0.0.1"], "127.0.0.1 is loopback"),
    (["127.0.0.1", PUBLIC], "127.0.0.1 is loopback"),
    ([PUBLIC, "10.0.0.1"], "private"),
    ([PUBLIC, "::1"], "loopback"),
    ([PUBLIC, "fe80::1"], "link-local"),
    ([PUBLIC, "::ffff:10.0.0.1"], "IPv4-mapped"),
    ([PUBLIC] * 50 + ["169.254.169.254"], "link-local"),
    (["2606:4700::1", PUBLIC, "192.168.0.1"], "private"),
    (["127.1"], "no address"),
    (["2130706433"], "no address"),
    (["0x7f000001"], "no address"),
    (["127.0.0.01"], "no address"),
    (["blog.example"], "no address"),
    ([""], "no address"),
]


def not_dialled(address, port, seconds):
    raise AssertionError(f"{address} was dialled")


def not_asked(host, port):
    raise AssertionError(f"{host} was looked up")


def test_there_are_at_least_two_hundred_attempts():
    assert len({url for url, _ in URLS}) + len(ANSWERS) >= 200


@pytest.mark.parametrize("url, reason", URLS)
def test_a_url_that_must_not_be_called_is_refused_with_its_reason(url, reason):
    """Both when it is saved and when it is dialled, before any name is looked up."""
    with pytest.raises(InvalidInput) as refusal:
        check_url(url)
    assert reason in str(refusal.value)
    assert refusal.value.field == "url"
    came = attempt(url, {}, b"", resolver=not_asked, dialler=not_dialled)
    assert came.permanent
    assert reason in came.refused
    assert came.status is None


@pytest.mark.parametrize("addresses, reason", ANSWERS)
def test_a_name_that_points_where_it_must_not_is_refused_with_its_reason(addresses, reason):
    """Every address is checked: one public one among them buys nothing."""
    came = attempt(
        "http://blog.example/",
        {},
        b"",
        resolver=lambda host, port: addresses,
        dialler=not_dialled,
    )
    assert reason in came.refused
    assert came.error == f"refused: {came.refused}"
    assert not came.delivered
    assert not came.permanent  # a name server may be repaired


@pytest.mark.parametrize("allow_private", [False, True])
@pytest.mark.parametrize(
    "address",
    """169.254.169.254 169.254.170.2 fe80::1 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe
    2002:a9fe:a9fe::1 64:ff9b:1::a9fe:a9fe ::ffff:0:a9fe:a9fe 2606:4700::5efe:a9fe:a9fe
    2001:0:909:909:0:0:5601:5601 fd00:ec2::254 100.100.100.200 0.0.0.0 :: 224.0.0.1 ff02::1
    255.255.255.255 ::a9fe:a9fe ::127.0.0.1 fe80::1%lo""".split(),  # noqa: SIM905 - a table
)
def test_some_addresses_are_refused_even_to_who_may_call_private_ones(address, allow_private):
    """Link-local is where clouds hand credentials out; an admin's leave doesn't cover that."""
    assert refusal_reason(address, allow_private=allow_private)
    came = attempt(
        "http://blog.example/",
        {},
        b"",
        allow_private=allow_private,
        resolver=lambda host, port: [address],
        dialler=not_dialled,
    )
    assert came.refused


@pytest.mark.parametrize(
    "address",
    """127.0.0.1 10.1.2.3 172.20.0.5 192.168.1.10 100.64.0.9 198.18.0.1 ::1 fd12::1 fec0::1
    ::ffff:10.0.0.1 64:ff9b::10.0.0.1""".split(),  # noqa: SIM905 - a table
)
def test_an_admin_may_allow_private_targets(address):
    assert refusal_reason(address)
    assert refusal_reason(address, allow_private=True) is None


@pytest.mark.parametrize(
    "address",
    """9.9.9.9 1.1.1.1 11.0.0.1 172.15.255.255 172.32.0.1 192.167.1.1 100.63.255.255 100.128.0.1
    169.253.1.1 198.17.1.1 198.20.0.1 223.255.255.255 2606:4700:4700::1111 2a00:1450:4001::200e
    ::ffff:9.9.9.9 64:ff9b::9.9.9.9 2001:4860:4860::8888""".split(),  # noqa: SIM905 - a table
)
def test_the_public_internet_is_not_refused(address):
    assert refusal_reason(address) is None


@pytest.mark.parametrize("kind", ADDRESS_BLOCKS, ids=lambda kind: str(kind.network))
def test_each_block_is_refused_from_its_first_to_its_last_address(kind):
    assert refusal_reason(kind.network[0])
    assert refusal_reason(kind.network[-1])


@pytest.mark.parametrize(
    "url, host, port, path",
    [
        ("http://blog.example", "blog.example", 80, "/"),
        ("https://Blog.Example/hook", "blog.example", 443, "/hook"),
        ("https://blog.example:8443?x=1", "blog.example", 8443, "/?x=1"),
        ("https://xn--bcher-kva.example/a%20b?c=%2F", "xn--bcher-kva.example", 443, "/a%20b?c=%2F"),
        ("http://my_blog.example/@me", "my_blog.example", 80, "/@me"),
        ("http://9.9.9.9/", "9.9.9.9", 80, "/"),
        ("http://[2606:4700::1]:81/", "2606:4700::1", 81, "/"),
        ("http://blog.example./", "blog.example.", 80, "/"),
        ("http://4chan.example/", "4chan.example", 80, "/"),
    ],
)
def test_an_ordinary_url_is_taken_apart(url, host, port, path):
    target = check_url(url)
    assert (target.host, target.port, target.path) == (host, port, path)


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/inside",
        "http://localhost:{port}/inside",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:{port}/",
        "//127.0.0.1:{port}/inside",
        "/inside",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_INFO",
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_leads_anywhere(status, location):
    with Receiver() as receiver:
        receiver.behaviour = redirect(location.format(port=receiver.port), status)
        came = attempt(receiver.url(), {}, b"", allow_private=True)
        assert came.error.endswith("redirects are not followed")
        assert receiver.connections == 1


def test_a_name_that_changes_its_answer_between_check_and_dial_gains_nothing():
    """The name is looked up once, and what was checked is what is dialled."""
    asked, dialled = [], []

    def rebinding(host, port):
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    def unreachable(address, port, seconds):
        dialled.append((address, port))
        raise ConnectionRefusedError

    came = attempt("http://rebind.example/", {}, b"", resolver=rebinding, dialler=unreachable)
    assert came.error == "the connection was refused"
    assert asked == ["rebind.example"]
    assert dialled == [(PUBLIC, 80)]


def test_a_name_that_points_inside_at_the_second_attempt_is_refused_then():
    """Retries go on for three days; each looks the name up and checks it again."""
    answers = iter([[PUBLIC], ["127.0.0.1"]])

    def unreachable(address, port, seconds):
        raise ConnectionRefusedError

    def resolver(host, port):
        return next(answers)

    first = attempt("http://rebind.example/", {}, b"", resolver=resolver, dialler=unreachable)
    second = attempt("http://rebind.example/", {}, b"", resolver=resolver, dialler=not_dialled)
    assert first.refused is None
    assert second.refused == "127.0.0.1 is loopback"


def test_the_system_s_own_names_are_checked_too():
    """With no resolver passed in, /etc/hosts and DNS answer, and are trusted as little."""
    name = socket.gethostname()
    try:
        addresses = {found[4][0] for found in socket.getaddrinfo(name, 80)}
    except OSError:
        pytest.skip("this machine's own name has no address")
    if any(refusal_reason(address) is None for address in addresses):
        pytest.skip("this machine's own name is public")
    assert attempt(f"http://{name}/", {}, b"", dialler=not_dialled).refused
