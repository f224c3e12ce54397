# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's packages and sources, whatever an archive lacks.

apt fetches and checks everything; what is here decides what to ask it for, and what to do where it fails:

- another release's packages come through an apt state of the project's own in the cache, whose entries are derived
  from the machine's; the machine's own release comes the same way, so that nobody needs root to keep its lists up to
  date (archive.py)
- what may pass (a name that does not resolve, a connection that breaks, a file that came with other bytes) is tried
  again after a pause (apt.py)
- what stays away is taken in another version: the newest, then the one that toolchain/versions names, then the
  others, newest first (versions.py); one line on stderr says so
- what came stays in the cache: files that nobody has unpacked yet, and the lists, which are good for a day (fetch.py,
  archive.py)

A file is taken only when apt has found it to have the hash that the signed lists name.
"""
