"""What was on a board before it was changed, and how far a rescue got: snapshots, journals and dumps on the disk.

Nothing here talks to a board or to a person. Layout of a store, all of it for its owner alone:

    <root>/<board>/content/<sha256>.bin       a snapshot, byte for byte
    <root>/<board>/content/<sha256>.secret    one that holds keys or passwords: 16 random bytes, then the content
    <root>/<board>/content/<sha256>.locked    the same, in a container of the key safe's passphrase
    <root>/<board>/rescues/<id>.jsonl         the journal of one rescue
    <root>/<board>/dumps/<id>.json            the manifest of one dump

`<board>` is the device ID, or `serial-<platform>-<serial>` while that is not proven. The hash in a name is that of the
file as it lies there; for secrets that includes randomness, so neither a name nor a journal lets anybody test a guess.
"""
