"""The append-only record of everything that happened: checksummed segment files, chained by hash, on any disk."""

from tradsys.journal.disk import Disk, FolderDisk
from tradsys.journal.journal import Journal
from tradsys.journal.lease import Lease
from tradsys.journal.opening import open_journal
from tradsys.journal.records import Record

__all__ = ["Disk", "FolderDisk", "Journal", "Lease", "Record", "open_journal"]
