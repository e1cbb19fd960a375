/** What clients are told of failures: everything but where voik lies on its machine. */
import { expect, test } from "bun:test";
import { type ErrorCode, VoikError } from "../../src/base/errors.ts";

test.each<[ErrorCode, string, string]>([
  ["disk_full", "disk full: /data/voik.db can't be written.", "disk full: voik.db can't be written."],
  [
    "disk_full",
    "disk full while opening /voik/my data/streams/a0/2: free",
    "disk full while opening 2: free",
  ],
  ["storage_failed", "EIO: i/o error, write '/v/0.log'", "EIO: i/o error, write '0.log'"],
  ["storage_failed", "ENOENT: no file, open 'voik data/x y/0.log'", "ENOENT: no file, open 'voik 0.log'"],
  ["storage_damaged", "damaged batch in ./d/0.log at byte 7", "damaged batch in 0.log at byte 7"],
  ["argument_invalid", "a/b is no name", "a/b is no name"],
])("%s: %s", (code, message, told) => {
  expect(new VoikError(code, message).messageToClients).toBe(told);
});
