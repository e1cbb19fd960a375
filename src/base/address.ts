/** Addresses and hosts as people and sockets write them. */

/** Whether only this machine reaches `host`, an address or a name to listen on. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|::ffff:127\.\d{1,3}\.\d{1,3}\.\d{1,3})$/.test(host);
}
