/** Certificates from two options, and hosts that only this machine reaches. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isLoopback } from "../../src/base/address.ts";
import { disk } from "../../src/base/disk.ts";
import { readCertificate } from "../../src/base/pem.ts";
import { Certificates } from "../helpers/certificates.ts";

describe("a certificate and its key", () => {
  let certificates: Certificates;
  let junk: string;
  beforeAll(() => {
    certificates = new Certificates();
    junk = join(dirname(certificates.ca), "junk");
    writeFileSync(junk, "junk");
  });
  afterAll(() => certificates[Symbol.dispose]());

  const read = (cert: string | undefined, key: string | undefined) =>
    readCertificate(disk, "kinesis-tls", { cert, key });

  test("are read together, or neither", () => {
    const { cert, key } = certificates.server;
    expect(read(undefined, undefined)).toBeUndefined();
    expect(read(cert, key)).toEqual({ cert: certificates.text(cert), key: certificates.text(key) });
  });

  test("are refused with the name of the flag", () => {
    const { cert, key } = certificates.server;
    const stranger = certificates.client("stranger", "/CN=stranger");
    expect(() => read(cert, undefined)).toThrow("--kinesis-tls-cert needs --kinesis-tls-key beside it");
    expect(() => read(undefined, key)).toThrow("--kinesis-tls-key needs --kinesis-tls-cert beside it");
    expect(() => read("/gone", key)).toThrow("--kinesis-tls-cert: /gone can't be read");
    expect(() => read(cert, junk)).toThrow(`--kinesis-tls-key: ${junk} is no PEM file`);
    expect(() => read(cert, stranger.key)).toThrow("are no certificate and its key");
    expect(() => read(key, key)).toThrow("are no certificate and its key");
  });
});

test("only this machine reaches a loopback address", () => {
  for (const host of ["localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
    expect([host, isLoopback(host)]).toEqual([host, true]);
  for (const host of [
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "127.example.com",
    "::ffff:10.0.0.1",
    "localhost.example.com",
  ])
    expect([host, isLoopback(host)]).toEqual([host, false]);
});
