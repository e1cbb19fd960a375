/** CRC-32C (Castagnoli), the checksum of Kafka's record batches: RFC 3720 appendix B.4, hardware-assisted. */
import { crc32c as nativeCrc32c } from "@node-rs/crc32";

/** CRC-32C of `bytes` as an unsigned 32-bit number; pass the previous result as `seed` to go on. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  return nativeCrc32c(bytes, seed);
}
