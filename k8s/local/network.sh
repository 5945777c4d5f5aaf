#!/usr/bin/env bash
# The host's addresses towards pods, on a bridge of its own: no network of the machine is touched.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh

# A bridge and not a dummy device: some kernels have none.
ip link show clusterhost >/dev/null 2>&1 || ip link add clusterhost type bridge
ip link set clusterhost up
for address in "$HOST_IP" "$DNS_IP"; do
  ip addr replace "$address/32" dev clusterhost
done
modprobe -a br_netfilter overlay 2>/dev/null || true
sysctl -qw net.ipv4.ip_forward=1
sysctl -qw net.bridge.bridge-nf-call-iptables=1 2>/dev/null || true
# A Docker Engine may have set DROP, which would cut pods off from Services.
iptables -P FORWARD ACCEPT

# What is for a Service and that kube-proxy has given to no pod ends here, by the error that an empty Service gives. Else it left
# by the machine's default route while rules are exchanged, and a gateway that answers for everybody kept that connection.
for chain in OUTPUT FORWARD; do
  iptables -C $chain -d "$SERVICE_NET" -j REJECT 2>/dev/null || iptables -A $chain -d "$SERVICE_NET" -j REJECT
done
