/** Logging in: the mechanisms, what is refused and how it is said (BAD-INPUT 51), and the bounds before a login (46). */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { clientProof, saltedPassword } from "../../../src/access/scram.ts";
import { MetricsRegistry } from "../../../src/base/metrics.ts";
import type { KafkaClient } from "../../../src/kafka/client.ts";
import { Metadata } from "../../../src/kafka/messages/03-metadata.ts";
import { SaslHandshake } from "../../../src/kafka/messages/17-sasl-handshake.ts";
import { ApiVersions } from "../../../src/kafka/messages/18-api-versions.ts";
import { SaslAuthenticate } from "../../../src/kafka/messages/36-sasl-authenticate.ts";
import type { KafkaLimits } from "../../../src/kafka/options.ts";
import { MECHANISMS } from "../../../src/kafka/security/login.ts";
import { frameOf, RawConnection, startTestKafka, type TestKafka } from "../../helpers/kafka.ts";

const PASSWORD = "correct, horse=battery";
const SCRAM = "SCRAM-SHA-256";

let kafka: TestKafka;
let metrics: MetricsRegistry;

async function start(limits: Partial<KafkaLimits> = {}, sessionLifetimeMs = Infinity): Promise<void> {
  metrics = new MetricsRegistry();
  kafka = await startTestKafka({ security: { auth: "sasl", sessionLifetimeMs }, limits, metrics });
  await kafka.access.users.create("ann", PASSWORD);
  await kafka.access.users.create("a=b,c", PASSWORD);
}
afterEach(() => kafka.close());

const metadata = (client: KafkaClient) => client.request(Metadata, { topics: [] });

/** One message of a login. */
async function say(client: KafkaClient, text: string) {
  const reply = await client.request(SaslAuthenticate, { authBytes: Buffer.from(text) });
  return { code: reply.errorCode, text: reply.authBytes.toString(), message: reply.errorMessage };
}

/** A SCRAM login whose messages `change` may tamper with; resolves to what came of its last step. */
async function scram(
  user: string,
  change: {
    first?: string;
    seen?: (text: string) => string;
    final?: (text: string) => string;
    password?: string;
  } = {},
) {
  const client = await kafka.client();
  await client.request(SaslHandshake, { mechanism: SCRAM });
  const first = change.first ?? `n,,n=${user},r=nonce`;
  const begun = await say(client, first);
  if (begun.code !== 0) return { client, final: "", ...begun };
  const serverFirst = (change.seen ?? ((text: string) => text))(begun.text);
  const [, nonce, salt = "", iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst) ?? [];
  const salted = await saltedPassword(
    SCRAM,
    change.password ?? PASSWORD,
    Buffer.from(salt, "base64"),
    Number(iterations),
  );
  const withoutProof = `c=${Buffer.from(first.slice(0, first.indexOf("n=", 2))).toString("base64")},r=${nonce}`;
  const authMessage = `${first.slice(first.indexOf("n=", 2))},${serverFirst},${withoutProof}`;
  const final = `${withoutProof},p=${clientProof(SCRAM, salted, authMessage).toString("base64")}`;
  return { client, final, ...(await say(client, change.final?.(final) ?? final)) };
}

describe("a login", () => {
  beforeEach(() => start());

  test.each(MECHANISMS)("with %s opens the broker", async (mechanism) => {
    for (const user of ["ann", "a=b,c"]) {
      const client = await kafka.client({ login: { mechanism, user, password: PASSWORD } });
      expect((await metadata(client)).brokers.length).toBe(1);
    }
  });

  test.each(MECHANISMS)(
    "with %s and a wrong password or an unknown user fails in one way",
    async (mechanism) => {
      const failures: { message: string; tookMs: number }[] = [];
      for (const [user, password] of [
        ["ann", "wrong"],
        ["nobody", PASSWORD],
      ] as const) {
        const startedMs = performance.now();
        const failed = await kafka.client({ login: { mechanism, user, password } }).catch((error) => error);
        failures.push({ message: String(failed), tookMs: performance.now() - startedMs });
      }
      expect(failures[0]?.message).toContain(`invalid credentials with SASL mechanism ${mechanism}`);
      expect(failures[1]?.message).toBe(failures[0]?.message as string);
      for (const { tookMs } of failures) expect(tookMs).toBeGreaterThanOrEqual(99);
      expect(metrics.render()).toContain("voik_kafka_failed_logins_total 2");
    },
  );

  test("shows an unknown user the same salt each time, and as many rounds as a known one", async () => {
    const firsts: string[] = [];
    for (const user of ["nobody", "nobody", "ann"]) {
      const client = await kafka.client();
      await client.request(SaslHandshake, { mechanism: SCRAM });
      firsts.push((await say(client, `n,,n=${user},r=x`)).text.replace(/^r=[^,]*,/, ""));
    }
    const [one = "", again, known = ""] = firsts;
    expect(again).toBe(one);
    expect(one.length).toBe(known.length);
    expect(one.slice(one.indexOf(",i="))).toBe(known.slice(known.indexOf(",i=")));
  });

  test("in SCRAM may be for a client that would have liked channel binding", async () => {
    expect((await scram("ann", { first: "y,,n=ann,r=nonce" })).code).toBe(0);
    expect((await scram("ann", { first: "n,a=ann,n=ann,r=nonce" })).code).toBe(0);
  });

  const tampered: [string, Parameters<typeof scram>[1]][] = [
    ["another nonce", { final: (text) => text.replace(/r=[^,]*/, "r=nonceXXXX") }],
    ["the client's nonce alone", { final: (text) => text.replace(/r=[^,]*/, "r=nonce") }],
    ["fewer iterations shown to the client", { seen: (text) => text.replace(/i=\d+/, "i=1") }],
    ["another salt shown to the client", { seen: (text) => text.replace(/s=[^,]*/, "s=c2FsdA==") }],
    ["another channel binding", { final: (text) => text.replace("c=biws", "c=eSws") }],
    ["a demand for channel binding", { first: "p=tls-unique,,n=ann,r=nonce" }],
    ["an unknown mandatory extension", { first: "n,,m=x,n=ann,r=nonce" }],
    ["a wish to act for somebody else", { first: "n,a=bob,n=ann,r=nonce" }],
    ["an empty proof", { final: (text) => text.replace(/p=.*/, "p=") }],
    ["a short proof", { final: (text) => text.replace(/p=.*/, "p=AAAA") }],
    ["no proof", { final: (text) => text.replace(/,p=.*/, "") }],
    ["bytes that are no SCRAM", { first: "\0\xff\xfe" }],
    ["the wrong password", { password: "guess" }],
  ];
  test.each(tampered)("in SCRAM with %s fails and ends the connection", async (_what, change) => {
    const { client, code, text, message } = await scram("ann", change);
    expect(code).toBe(58);
    expect(text).toBe("");
    expect(message).toBe(`Authentication failed: invalid credentials with SASL mechanism ${SCRAM}`);
    await client.closed;
  });

  test("in SCRAM can't be made of a recorded one", async () => {
    const recorded = await scram("ann");
    expect(recorded.code).toBe(0);
    const { code } = await scram("ann", { final: () => recorded.final });
    expect(code).toBe(58);
  });

  test("is made once: the next SaslAuthenticate or SaslHandshake is told so", async () => {
    const client = await kafka.client({ login: { mechanism: SCRAM, user: "ann", password: PASSWORD } });
    expect((await say(client, "again")).code).toBe(34);
    expect((await client.request(SaslHandshake, { mechanism: SCRAM })).errorCode).toBe(34);
    expect((await metadata(client)).brokers.length).toBe(1);
  });

  test.each(["\0ann", "ann\0ann\0x\0y", "bob\0ann\0correct, horse=battery", "\0\0", ""])(
    "with PLAIN and the message %j fails",
    async (text) => {
      const client = await kafka.client();
      await client.request(SaslHandshake, { mechanism: "PLAIN" });
      expect((await say(client, text)).code).toBe(58);
      await client.closed;
    },
  );

  test("with an unknown mechanism is told which there are, and the connection ends", async () => {
    const client = await kafka.client();
    const reply = await client.request(SaslHandshake, { mechanism: "GSSAPI" });
    expect(reply).toEqual({ errorCode: 33, mechanisms: [...MECHANISMS] });
    await client.closed;
  });

  test("in the old form, without Kafka's frames, is declined", async () => {
    const client = await kafka.client();
    expect((await client.request(SaslHandshake, { mechanism: "PLAIN" }, 0)).errorCode).toBe(35);
    await client.closed;
  });
});

describe("before a login", () => {
  test("ApiVersions is answered, SaslAuthenticate gets ILLEGAL_SASL_STATE, anything else ends the connection", async () => {
    await start();
    const early = await kafka.client();
    expect((await say(early, "\0ann\0x")).code).toBe(34);
    await early.closed;
    const client = await kafka.client();
    await client.request(ApiVersions, {});
    await expect(metadata(client)).rejects.toThrow();
    expect(metrics.render()).toContain('voik_kafka_connections_ended_total{reason="login"} 2');
  });

  test("a request behind a failing login in the same packet is not answered", async () => {
    await start();
    const raw = await RawConnection.open(kafka.port);
    const plain = (password: string) => ({ authBytes: Buffer.from(`\0ann\0${password}`) });
    raw.socket.write(
      Buffer.concat([
        frameOf(SaslHandshake, 1, { mechanism: "PLAIN" }, 1),
        frameOf(SaslAuthenticate, 2, plain("wrong"), 2),
        frameOf(Metadata, 9, { topics: [] }, 3),
      ]),
    );
    expect((await raw.reply()).readInt32BE(0)).toBe(1);
    expect((await raw.reply()).readInt32BE(0)).toBe(2);
    await raw.closed;
    expect(raw.received.length).toBe(0);
  });

  test("a frame over 512 KiB ends the connection, and a user's may be larger", async () => {
    await start();
    const raw = await RawConnection.open(kafka.port);
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(600 * 1024);
    raw.socket.write(prefix);
    await raw.closed;
    const client = await kafka.client({ login: { mechanism: SCRAM, user: "ann", password: PASSWORD } });
    const names = Array.from({ length: 6000 }, (_, i) => ({ name: `${"x".repeat(150)}${i}` }));
    const { topics } = await client.request(Metadata, { topics: names, allowAutoTopicCreation: false });
    expect(topics.length).toBe(6000);
  });

  test("a client that takes its time is cut off, however busy it looks", async () => {
    await start({ loginTimeoutMs: 200 });
    const silent = await RawConnection.open(kafka.port);
    const busy = await RawConnection.open(kafka.port);
    const talking = setInterval(() => busy.socket.write(frameOf(ApiVersions, 0, {})), 20);
    await Promise.all([silent.closed, busy.closed]);
    clearInterval(talking);
    const client = await kafka.client({ login: { mechanism: SCRAM, user: "ann", password: PASSWORD } });
    const raw = await RawConnection.open(kafka.port);
    await raw.closed;
    expect((await metadata(client)).brokers.length).toBe(1);
  });
});

describe("a login that holds for a while", () => {
  test("is told so, can be renewed by the same user only, and ends the connection when it is not", async () => {
    await start({}, 1500);
    const client = await kafka.client();
    const logIn = async (user: string) => {
      await client.request(SaslHandshake, { mechanism: "PLAIN" });
      return client.request(SaslAuthenticate, { authBytes: Buffer.from(`\0${user}\0${PASSWORD}`) });
    };
    expect((await logIn("ann")).sessionLifetimeMs).toBe(1500);
    expect((await logIn("ann")).errorCode).toBe(0);
    expect((await metadata(client)).brokers.length).toBe(1);
    expect((await logIn("a=b,c")).errorCode).toBe(58);
    await client.closed;

    const lazy = await kafka.client({ login: { mechanism: "PLAIN", user: "ann", password: PASSWORD } });
    const refused = (async () => {
      for (;;) await metadata(lazy);
    })();
    await expect(refused).rejects.toThrow();
  });
});

test("without logins a broker says that none is due", async () => {
  kafka = await startTestKafka();
  const client = await kafka.client();
  expect(await client.request(SaslHandshake, { mechanism: "PLAIN" })).toEqual({
    errorCode: 34,
    mechanisms: [],
  });
  expect((await say(client, "x")).code).toBe(34);
  expect((await metadata(client)).brokers.length).toBe(1);
});
