/**
 * The Kinesis port as it should be on a network: TLS, signatures, ACLs; the executable, and AWS's own clients with
 * the right key, a wrong secret and an unknown key. Users are made with the executable too.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Certificates } from "../helpers/certificates.ts";
import { AWS_ENV, describeWith, run } from "../helpers/installed.ts";
import { temporaryFolder, VoikProcess, voikExecutable } from "../helpers/voik-process.ts";

const PYTHON = "/usr/bin/python3";
/** ann may write to orders and see it, and nothing else. */
const AS_ANN = { list: "ok", put: "ok", read: "AccessDeniedException", other: "AccessDeniedException" };
const everything = (code: string) => ({ list: code, put: code, read: code, other: code });

interface Key {
  id: string;
  secret: string;
}

let certificates: Certificates;
let folder: string;
let voik: VoikProcess;
let ann: Key;

async function voikCli(...args: string[]): Promise<string> {
  return (await run([voikExecutable(), ...args, "--data-dir", folder])).toString();
}

async function newKey(name: string): Promise<Key> {
  const [, id = "", secret = ""] =
    /id = (\S+)\n.*key = (\S+)/.exec(await voikCli("user", "create", name, "--access-key")) ?? [];
  return { id, secret };
}

function environment({ id, secret }: Key): Record<string, string> {
  return {
    ...AWS_ENV,
    AWS_ACCESS_KEY_ID: id,
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_CA_BUNDLE: certificates.ca,
    NODE_EXTRA_CA_CERTS: certificates.ca,
  };
}

beforeAll(async () => {
  certificates = new Certificates();
  folder = temporaryFolder("security");
  const { cert, key } = certificates.server;
  const security = ["--kinesis-auth", "sigv4", "--authorization", "acl", "--super-users", "User:root"];
  const tls = ["--kinesis-tls-cert", cert, "--kinesis-tls-key", key];
  voik = await VoikProcess.start({ folder, args: [...security, ...tls] });
  const root = await newKey("root");
  ann = await newKey("ann");
  await voikCli("acl", "add", "--principal", "ann", "--operation", "write", "--topic", "orders");
  for (const name of ["orders", "other"]) {
    const create = ["kinesis", "create-stream", "--stream-name", name, "--shard-count", "1"];
    await run(["/usr/bin/aws", "--endpoint-url", voik.addresses.kinesis, ...create], {
      env: environment(root),
    });
  }
}, 60_000);

afterAll(async () => {
  await voik?.stop();
  await voik?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
  certificates[Symbol.dispose]();
});

/** What `command`, one of the clients above, makes of each key. */
function expectKeysToWork(command: () => string[]): void {
  const results = async (key: Key) =>
    JSON.parse((await run(command(), { env: environment(key) })).toString());

  test("may what its user may, and no more", async () => {
    expect(await results(ann)).toEqual(AS_ANN);
  }, 30_000);

  test("is refused with a wrong secret, and with an unknown key", async () => {
    const secret = "x".repeat(40);
    expect(await results({ ...ann, secret })).toEqual(everything("InvalidSignatureException"));
    expect(await results({ id: "VOIKAAAAAAAAAAAAAAAA", secret })).toEqual(
      everything("UnrecognizedClientException"),
    );
  }, 30_000);
}

describeWith("boto3", [PYTHON, "-c", "import boto3"], () => {
  const script = join(import.meta.dir, "kinesis-security-client.py");
  expectKeysToWork(() => [PYTHON, script, voik.addresses.kinesis]);
});

describe.each(["http2", "http1"])("AWS's client for JavaScript over %s", (http) => {
  const script = join(import.meta.dir, "kinesis-security-client.ts");
  expectKeysToWork(() => [process.execPath, script, voik.addresses.kinesis, http]);
});

describeWith("the AWS CLI", ["/usr/bin/aws", "--version"], () => {
  const aws = (key: Key, ...args: string[]) =>
    run(["/usr/bin/aws", "--endpoint-url", voik.addresses.kinesis, "kinesis", ...args], {
      env: environment(key),
    });

  test("lists what it may see; another key and another stream are refused in AWS's words", async () => {
    expect(JSON.parse((await aws(ann, "list-streams")).toString()).StreamNames).toEqual(["orders"]);
    await expect(aws({ ...ann, secret: "guess" }, "list-streams")).rejects.toThrow(
      "An error occurred (InvalidSignatureException) when calling the ListStreams operation: The request signature we " +
        "calculated does not match",
    );
    await expect(aws(ann, "describe-stream-summary", "--stream-name", "other")).rejects.toThrow(
      "user/ann is not authorized to perform: kinesis:DescribeStreamSummary on resource: " +
        "arn:aws:kinesis:us-east-1:000000000000:stream/other because no identity-based policy allows",
    );
  }, 30_000);
});

test("no secret, path or stack is in a refusal, the log, the metrics or the command line", async () => {
  const refusals: string[] = [];
  for (const authorization of [
    "",
    "AWS4-HMAC-SHA256",
    `AWS4-HMAC-SHA256 Credential=${ann.id}/20261125/us-east-1/kinesis/aws4_request, SignedHeaders=host;x-amz-target, Signature=00`,
  ]) {
    const reply = await fetch(voik.addresses.kinesis, {
      method: "POST",
      headers: {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": "Kinesis_20131202.ListStreams",
        "x-amz-date": new Date().toISOString().replace(/[-:]|\.\d{3}/g, ""),
        authorization,
      },
      body: "{}",
      tls: { ca: certificates.text(certificates.ca) },
    });
    expect(reply.status).toBe(400);
    refusals.push((await reply.text()) + JSON.stringify([...reply.headers]));
  }
  const metrics = await (await fetch(`${voik.addresses.admin}/metrics`)).text();
  const commandLine = readFileSync(`/proc/${voik.pid}/cmdline`, "utf8");
  for (const shown of [...refusals, metrics, voik.stderr, commandLine])
    expect(shown).not.toContain(ann.secret);
  for (const shown of [...refusals, metrics]) {
    expect(shown).not.toContain(folder);
    expect(shown).not.toMatch(/\bat \S+ \(|\.ts:\d+/);
  }
});

describe("the port", () => {
  test("takes HTTP/2 and HTTP/1.1 by ALPN, and nothing in plain text", async () => {
    const { hostname, port } = new URL(voik.addresses.kinesis);
    expect(voik.addresses.kinesis).toStartWith("https://");
    const offered = async (protocol: string) => {
      const connect = ["-connect", `${hostname}:${port}`, "-CAfile", certificates.ca, "-alpn", protocol];
      const out = await run(["openssl", "s_client", ...connect, "-verify_return_error"], {
        input: Buffer.alloc(0),
      });
      return /ALPN protocol: (\S+)/.exec(out.toString())?.[1];
    };
    expect(await offered("h2")).toBe("h2");
    expect(await offered("http/1.1")).toBe("http/1.1");
    const plain = await fetch(`http://${hostname}:${port}/`).then(
      (response) => response.status,
      () => "no answer",
    );
    expect(plain).toBe("no answer");
  });

  test("is not opened with a key that does not belong to the certificate", async () => {
    const args = ["--kinesis-tls-cert", certificates.server.cert, "--kinesis-tls-key"];
    const other = certificates.client("other", "/CN=other").key;
    const start = VoikProcess.start({ args: [...args, other] });
    const refusal = await start.catch((error: Error) => error.message);
    expect(refusal).toContain("--kinesis-tls-cert and --kinesis-tls-key are no certificate and its key");
  });
});
