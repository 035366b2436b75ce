# What a test is given: hosts, a network, clients, a folder; all of it gone when the test ends.
# SPDX-License-Identifier: Apache-2.0

import functools

from .host import Host
from .machine import Settings
from .network import Network
from .session import Session


class Lab:
    def __init__(self, image, folder):
        self.image = image
        self.folder = folder  # for files of the test; kept when it fails
        self.hosts = {}
        self.guests = []  # all that were described, on any host
        self.notes = []  # printed below the test's line: measured figures and the like
        self.session = Session()

    @functools.cached_property
    def network(self):
        return Network(self.session)

    def host(self, name="a", **settings):
        """A host that is still off. For the settings see rig.machine.Settings."""
        self.hosts[name] = Host(self, Settings(name=name, **settings))
        return self.hosts[name]

    def boot(self, name="a", **settings):
        """A host whose dom0 answers."""
        return self.host(name, **settings).start().wait_boot()

    def client(self, name="client", links=("lan",)):
        """A machine on the wire that is only a network namespace."""
        return self.network.client(name, links)

    def note(self, text):
        self.notes.append(text)

    def close(self):
        try:
            for host in self.hosts.values():
                host.close()
        finally:
            self.session.close()
