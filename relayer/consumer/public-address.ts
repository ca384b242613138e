// SPDX-License-Identifier: MIT
import { BlockList, isIPv4, isIPv6 } from "node:net";

// What is not of the public internet (IANA's special-purpose registries). In IPv6 only what is allocated is public, so
// the list says what is not within it.
const NOT_PUBLIC = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const)
  NOT_PUBLIC.addSubnet(network, bits, "ipv4");
for (const [network, bits] of [
  // Teredo and others of 2001::/23, 6to4, documentation.
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const)
  NOT_PUBLIC.addSubnet(network, bits, "ipv6");
const ALLOCATED = new BlockList();
ALLOCATED.addSubnet("2000::", 3, "ipv6");

/** Whether an IP address is one of the public internet, so that asking it reaches nothing inside a network. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !NOT_PUBLIC.check(address, "ipv4");
  return isIPv6(address) && ALLOCATED.check(address, "ipv6") && !NOT_PUBLIC.check(address, "ipv6");
}
