# What the portable file does when it is started; $0 is the file itself. Unpacks the program once for each version into
# the person's cache folder, and becomes the program there. Uses what every Linux has: coreutils, findutils, tar, gzip;
# with flock two starts at once wait for each other, and folders of older versions go when nobody uses them.
# Compiled into the file by packaging/portable.py, which fills in these lines:
start=@START@
name=portable-@STAMP@
shape=@SHAPE@
need=@NEED@

umask 077
told=
locks=$(command -v flock)

say() {
    printf 'rekindle: %s\n' "$1" >&2
    told="$told$1
"
}

# The last word; whoever double-clicked sees no terminal.
give_up() {
    say "$1"
    if [ ! -t 2 ] && [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
        if command -v zenity; then zenity --error --no-markup --title=Rekindle --text="$told"
        elif command -v kdialog; then kdialog --title Rekindle --error "$told"
        elif command -v xmessage; then xmessage -center "$told"
        fi >/dev/null 2>&1
    fi
    exit 1
}

# A folder of this person, into which nobody else can have put anything.
own() {
    [ -d "$1" ] && [ ! -L "$1" ] && [ -O "$1" ] && [ -z "$(find "$1" -prune -perm /022 2>&1)" ]
}

# Kinds, modes, sizes, times and names of everything unpacked, as one number. The contents are not read at every start:
# who can write here without being noticed by this is the person, or could change the person's other programs as well.
shape_of() {
    (cd "$1" && find . ! -type d ! -path ./.in-use -printf '%y %m %s %T@ %P %l\n' | LC_ALL=C sort | sha256sum |
        cut -c 1-64) 2>/dev/null
}

whole() {
    own "$home" && own "$1" && [ "$(shape_of "$1")" = "$shape" ]
}

# Returns only when there is nothing to become. The lock on .in-use lives as long as the program.
become() {
    [ -d "$home/$name" ] || return
    if [ -n "$locks" ] && { : >>"$home/$name/.in-use"; } 2>/dev/null; then
        exec 9<"$home/$name/.in-use"
        flock -s 9
    fi
    if whole "$home/$name" && [ -x "$home/$name/rekindle" ]; then
        exec 8<&-
        exec "$home/$name/rekindle" "$@"
    fi
    exec 9<&-
}

# Takes a folder away unless a program lives in it.
drop() {
    (
        exec 2>/dev/null 7<"$1/.in-use"
        if [ -n "$locks" ]; then flock -n -x 7 || exit 1; fi
        mv -T "$1" "$1.part.old" && rm -rf "$1.part.old"
    )
}

# What is half was left by a start that was killed: under the lock no other one unpacks.
tidy() {
    rm -rf "$home"/portable-*.part.*
    for old in "$home"/portable-*; do
        if [ "$old" != "$home/$name" ] && [ -d "$old" ]; then drop "$old"; fi
    done
}

unpack() {
    mkdir -p "$home" 2>/dev/null
    if [ -O "$home" ] && [ ! -L "$home" ]; then chmod go-w "$home" 2>/dev/null; fi
    if ! own "$home"; then
        say "The folder $home cannot be made, or is not yours alone."
        return
    fi
    if ! { : >>"$home/.lock"; } 2>/dev/null; then
        say "Nothing can be written into $home."
        return
    fi
    if [ -n "$locks" ]; then
        exec 8<"$home/.lock"
        if ! flock -x -w 120 8; then
            say "Another start has been unpacking into $home for two minutes."
            return
        fi
        become "$@" # the other start has done it
        tidy
    fi
    free=$(df -k --output=avail "$home" 2>/dev/null | tail -n 1)
    if [ "${free:-$need}" -lt "$need" ]; then
        say "$home has no room: $((need / 1000 + 1)) MB are needed, $((free / 1000)) MB are free."
        return
    fi
    part=$(mktemp -d "$home/$name.part.XXXXXX" 2>/dev/null)
    if [ -z "$part" ]; then
        say "Nothing can be written into $home."
        return
    fi
    trap 'rm -rf "$part"; exit 130' HUP INT TERM
    printf '#!/bin/sh\n' >"$part/try"
    chmod 700 "$part/try"
    if ! "$part/try" 2>/dev/null; then
        say "The system lets no program run in $home (noexec)."
    else
        rm "$part/try"
        trouble=$(tail -c "+$((start + 1))" "$0" | tar -x -z -f - -C "$part" --no-same-owner --no-same-permissions 2>&1)
        if [ "$(shape_of "$part")" != "$shape" ]; then
            rm -rf "$part"
            if ! tail -c "+$((start + 1))" "$0" | gzip -t 2>/dev/null; then
                give_up "This file is damaged. Download it again."
            fi
            say "Unpacking into $home failed. $trouble"
        else
            if [ -d "$home/$name" ] && ! whole "$home/$name"; then
                say "What was unpacked earlier is damaged; it is unpacked anew."
                mv -T "$home/$name" "$home/$name.part.damaged" && rm -rf "$home/$name.part.damaged"
            fi
            mv -T "$part" "$home/$name" 2>/dev/null
        fi
    fi
    rm -rf "$part"
    trap - HUP INT TERM
    become "$@"
}

remove_unpacked() {
    status=0
    for home in "$cache" "$passing" /var/tmp/rekindle-"$(id -u)"; do
        [ -n "$home" ] && own "$home" || continue
        for old in "$home"/portable-*; do
            [ -d "$old" ] || continue
            : >>"$old/.in-use"
            if drop "$old"; then
                echo "Removed: $old"
            else
                echo "Still in use: $old"
                status=1
            fi
        done
        rm -f "$home/.lock"
        rmdir "$home" 2>/dev/null
    done
    exit $status
}

case ${XDG_CACHE_HOME:-} in
/*) cache=$XDG_CACHE_HOME/rekindle ;;
*) cache=${HOME:+$HOME/.cache/rekindle} ;;
esac
passing=${TMPDIR:-/tmp}/rekindle-$(id -u)
if [ "$*" = --remove-unpacked ]; then remove_unpacked; fi
for home in "$cache" "$passing" /var/tmp/rekindle-"$(id -u)"; do
    [ -n "$home" ] || continue
    become "$@"
    unpack "$@"
done
give_up "Rekindle needs a folder of yours it can unpack itself into. Name one: XDG_CACHE_HOME=/a/folder $0"
