"""What can go wrong with servers, their keys and addresses. As in `app.faults`, each with a cause and a next step."""

from __future__ import annotations

from app.faults import Fault, per_os
from app.text import text

# A server's key file


class ServerKeyUnreadable(Fault):
    """The file holds no key."""

    code = "cloud.key-unreadable"
    cause = text("CloudFaults", "This file holds no public key: it is damaged, or it is something else.")
    next_step = text(
        "CloudFaults",
        "Choose the server's public key. On a local cloud it is default_key.pub.pem in the server's folder.",
    )
    retryable = False


class ServerKeyPrivate(Fault):
    """The server's private key was given; it must never leave the server."""

    code = "cloud.key-private"
    cause = text(
        "CloudFaults", "This is a private key. It was not used and not stored: it must never leave the server."
    )
    next_step = text(
        "CloudFaults",
        "Choose the public half instead: the file whose name ends with .pub.pem, for example default_key.pub.pem.",
    )
    retryable = False


class ServerKeyWrongSize(Fault):
    """An RSA key of a size that boards cannot use."""

    code = "cloud.key-size"
    cause = text("CloudFaults", "This key has {bits} bits. A board can only use a server key of 2048 bits.")
    next_step = text(
        "CloudFaults",
        "Choose the server's public key, for example default_key.pub.pem. If this is the server's, let the server make "
        "a new key of 2048 bits.",
    )
    retryable = False


class ServerKeyWrongKind(Fault):
    """An elliptic curve key where RSA is needed, or something else."""

    code = "cloud.key-kind"
    cause = text(
        "CloudFaults", "This is a key of another kind ({found}). This connection needs one of the kind {wanted}."
    )
    next_step = text("CloudFaults", "Choose the key that the server uses for boards of this kind.")
    retryable = False


class ServerKeyWrongExponent(Fault):
    """The firmware assumes 65537."""

    code = "cloud.key-exponent"
    cause = text(
        "CloudFaults", "The public exponent of this key is {exponent}. The firmware of a board always assumes 65537."
    )
    next_step = text("CloudFaults", "Let the server make a new key with the usual exponent.")
    retryable = False


# A typed address


class HostMissing(Fault):
    """Nothing was typed."""

    code = "cloud.host-missing"
    cause = text("CloudFaults", "There is no server address.")
    next_step = text("CloudFaults", "Type the name or the IPv4 address of the server, for example 192.168.1.10.")
    retryable = False


class HostIsIpv6(Fault):
    """The firmware knows no IPv6."""

    code = "cloud.host-ipv6"
    cause = text("CloudFaults", "{host} is an IPv6 address. The firmware of these boards only knows IPv4.")
    next_step = text("CloudFaults", "Type the server's IPv4 address, for example 192.168.1.10, or its name.")
    retryable = False


class HostTooLong(Fault):
    """It does not fit in front of the port."""

    code = "cloud.host-long"
    cause = text(
        "CloudFaults", "The name of the server has {length} characters. On the board there is room for {most}."
    )
    next_step = text("CloudFaults", "Use a shorter name, or the server's IPv4 address.")
    retryable = False


class HostBad(Fault):
    """Neither a name nor an IPv4 address."""

    code = "cloud.host-bad"
    cause = text("CloudFaults", "{host} is neither a name nor an IPv4 address.")
    next_step = text(
        "CloudFaults",
        "Type only the name or the address, without http:// and without a path: letters, digits, dots and hyphens. For "
        "example 192.168.1.10 or cloud.example.org.",
    )
    retryable = False


class HostNoServer(Fault):
    """An IPv4 address that belongs to no single computer."""

    code = "cloud.host-no-server"
    cause = text("CloudFaults", "{host} cannot be the address of a server: it belongs to no single computer.")
    next_step = text(
        "CloudFaults", "Type the address of the computer on which the server runs, for example 192.168.1.10."
    )
    retryable = False


class PortBad(Fault):
    """No port a board can be told."""

    code = "cloud.port-bad"
    cause = text("CloudFaults", "{port} is no port a board can be told.")
    next_step = text("CloudFaults", "Type a number from 1 to 65534 behind the colon, or leave it out for {usual}.")
    retryable = False


# Switching


class NoServerBefore(Fault):
    """Nothing is kept of an earlier server of this board."""

    code = "cloud.none-before"
    cause = text("CloudFaults", "No other server is kept that this board had before.")
    next_step = text("CloudFaults", "Choose the Particle cloud or a local cloud instead.")
    retryable = False


# This computer as a server


class PortTaken(Fault):
    """Another program listens on the port."""

    code = "cloud.port-taken"
    cause = text("CloudFaults", "Another program on this computer uses port {port}, perhaps a local cloud.")
    next_step = text("CloudFaults", "End that program, for example the local cloud, and start again.")


class ListenRefused(Fault):
    """The operating system does not let the program wait for connections."""

    code = "cloud.listen-refused"
    cause = text("CloudFaults", "This computer does not let the program wait for connections on port {port}.")
    next_step = per_os(
        linux=text("CloudFaults", "If the program runs in a sandbox, allow it to use the network. Then start again."),
        windows=text("CloudFaults", "Allow the program in Windows Security, Firewall. Then start again."),
        mac=text("CloudFaults", "Allow the program in System Settings, Network, Firewall, Options. Then start again."),
    )


class NoOwnAddress(Fault):
    """This computer is in no network."""

    code = "cloud.no-address"
    cause = text("CloudFaults", "This computer is in no network that a board could reach it by.")
    next_step = text("CloudFaults", "Connect it to the same network as the board's Wi-Fi, then start again.")


class OldServerNotKept(Fault):
    """An interrupted run kept nothing to put back."""

    code = "cloud.nothing-kept"
    cause = text("CloudFaults", "Nothing is kept of the server that the board had before.")
    next_step = text("CloudFaults", "Choose the board's cloud anew: switch it to the Particle cloud or a local one.")
    retryable = False


# The folder of a local cloud


class NoCloudFolder(Fault):
    """A folder that no local cloud works in."""

    code = "cloud.no-folder"
    cause = text("CloudFaults", "{folder} is not the folder of a local cloud: its server key is not in there.")
    next_step = text(
        "CloudFaults",
        "Choose the folder that holds default_key.pem, or the folder data with that file. If it is not there, start "
        "the server once: then it makes its keys.",
    )
    retryable = False
