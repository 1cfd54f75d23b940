#!/usr/bin/env bash
# Runs the smallest Ceph that keeps data: one monitor, one storage daemon on a sparse file, and the
# S3 gateway on port 7480. If one of them ends, all end, and Docker starts the container again.
# There is one copy of all data, so back it up.
#
#   S3_ACCESS_KEY, S3_SECRET_KEY   the one user
#   STORE_GIGABYTES                how far the file may grow, fixed at the first start (20)
#   STORE_DATA                     the folder of the data and of ceph.conf (/data)
#   STORE_ADDRESS, STORE_PORT      where to listen (on all addresses, 7480)
#   STORE_MONITOR_PORT             the monitor's own port, fixed at the first start (3300)
#   STORE_SETTINGS                 more sections of ceph.conf (none)
#
# `make test-engines` runs this script, too, so that it tests the Ceph that is shipped.
set -euo pipefail

: "${S3_ACCESS_KEY:?must be set}" "${S3_SECRET_KEY:?must be set}"
data=${STORE_DATA:-/data}
port=${STORE_PORT:-7480}
monitor="[v2:127.0.0.1:${STORE_MONITOR_PORT:-3300}]"
fsid=5e3f7f5c-6a0e-4a57-9f0e-0d5a1c7a0001
osd=5e3f7f5c-6a0e-4a57-9f0e-0d5a1c7a0002
run=$(mktemp -d)
export CEPH_CONF=$data/ceph.conf
mkdir -p "$data"/{mon,osd,gateway}

# The daemons talk to each other inside this container only, so they need no keys.
cat >"$CEPH_CONF" <<CONF
[global]
fsid = $fsid
mon host = $monitor
public addr = 127.0.0.1
cluster addr = 127.0.0.1
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
ms bind ipv6 = false
auth cluster required = none
auth service required = none
auth client required = none
run dir = $run
admin socket = $run/\$name.asok
crash dir = $run
log file =
log to stderr = true
mon cluster log file =
# Without this it logs statistics all the time.
debug rocksdb = 1/5
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
[mon.a]
mon data = $data/mon
[osd]
osd data = $data/osd
osd objectstore = bluestore
osd crush initial weight = 1
crush location = root=default host=localhost
bluestore block size = $((${STORE_GIGABYTES:-20} * 1024 ** 3))
bluestore block create = true
bluestore cache autotune = false
bluestore cache size = 134217728
osd op num shards = 2
osd op num threads per shard = 1
[client.rgw]
rgw data = $data/gateway
rgw frontends = beast endpoint=${STORE_ADDRESS:-0.0.0.0}:$port
rgw enable usage log = false
rgw enable ops log = false
# The proxy says which requests came by HTTPS; and \`provision\`, which asks within the network of the
# containers, may send the password by which events are sent to the site.
rgw trust forwarded https = true
# Without this the gateway asks for an encrypted connection, for which there are no keys, for 300 s.
ms mon client mode = crc
${STORE_SETTINGS:-}
CONF

pids=()
# stop PID: asks a daemon to end, and kills it after ten seconds: it might wait for ever for another
# daemon that has ended.
stop() {
    kill "$1" 2>/dev/null || return 0
    for _ in {1..100}; do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL "$1" 2>/dev/null || :
}
end() {
    trap '' TERM INT
    # The gateway first, the monitor last: each may need those that were started before it.
    for ((place = ${#pids[@]} - 1; place >= 0; place--)); do
        stop "${pids[place]}"
    done
    rm -rf "$run"
}
trap 'end; exit 0' TERM INT
trap end EXIT

start() {
    "$@" &
    pids+=($!)
}
# until_ready SECONDS COMMAND…: waits for the command to succeed.
until_ready() {
    local limit=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= limit)) || ! kill -0 "${pids[-1]}"; then
            echo "start-store: not ready in time: $*" >&2
            exit 1
        fi
        sleep 0.5
    done
}
osd_is_up() {
    ceph --connect-timeout 2 osd stat | grep -q '1 up' &&
        ceph --admin-daemon "$run/osd.0.asok" status | grep -q '"state": "active"'
}
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$port"); }

if [[ ! -e $data/mon/store.db ]]; then
    monmaptool --create --clobber --fsid "$fsid" --addv a "$monitor" "$run/monmap"
    ceph-mon -i a --mkfs --monmap "$run/monmap"
fi
start ceph-mon -f -i a
until_ready 60 ceph --connect-timeout 2 quorum_status

if [[ ! -e $data/osd/is-made ]]; then
    ceph --connect-timeout 10 osd new "$osd" 0
    ceph-osd -i 0 --mkfs --osd-uuid "$osd"
    touch "$data/osd/is-made"
fi
start ceph-osd -f -i 0
until_ready 120 osd_is_up

start radosgw -f -n client.rgw
until_ready 120 answers

admin() { radosgw-admin -n client.rgw --admin-socket= "$@" --uid=triphase >/dev/null; }
if admin user info 2>/dev/null; then
    # A changed secret takes effect; another access key is added.
    admin key create --key-type=s3 --access-key="$S3_ACCESS_KEY" --secret-key="$S3_SECRET_KEY"
else
    admin user create --display-name=triphase \
        --access-key="$S3_ACCESS_KEY" --secret-key="$S3_SECRET_KEY"
fi
echo "start-store: S3 answers on port $port." >&2

wait -n || true
echo "start-store: one of the daemons has ended." >&2
exit 1
