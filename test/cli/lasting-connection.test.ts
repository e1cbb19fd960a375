/** When a command's connection is made again, and when its loss is an error: stand-ins for connections give the answers. */
import { afterEach, beforeEach, expect, type Mock, spyOn, test } from "bun:test";
import { VoikError } from "../../src/base/errors.ts";
import { CliError } from "../../src/cli/exit.ts";
import { LastingConnection } from "../../src/cli/lasting-connection.ts";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { Metadata } from "../../src/kafka/messages/03-metadata.ts";

const GONE = new VoikError("shutting_down", "b:1 closed the connection");
const REFUSED = Object.assign(new Error("Failed to connect"), { code: "ECONNREFUSED" });
const QUESTION = { topics: [] };

let said: Mock<typeof process.stderr.write>;
beforeEach(() => {
  said = spyOn(process.stderr, "write").mockImplementation(() => true);
});
afterEach(() => said.mockRestore());

const lines = () => said.mock.calls.map(([line]) => line);

/** A connection that says these things one after the other. */
function client(...answers: unknown[]): KafkaClient {
  const request = async () => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { request, close: () => {} } as unknown as KafkaClient;
}

/** Connects to these, one after the other. */
function connecting(...clients: (KafkaClient | Error)[]): () => Promise<KafkaClient> {
  return async () => {
    const next = clients.shift() ?? REFUSED;
    if (next instanceof Error) throw next;
    return next;
  };
}

/** What a request is answered, or how it fails. */
const ask = async (connection: LastingConnection): Promise<unknown> =>
  connection.request(Metadata, QUESTION).catch((error: unknown) => error);

test("without patience a lost connection ends the command with exit code 69, and nothing is asked twice", async () => {
  const connection = new LastingConnection(client(GONE), connecting(client("late")));
  const error = await ask(connection);
  expect(error).toBeInstanceOf(CliError);
  expect(error).toMatchObject({ exitCode: 69, message: GONE.message });
  expect(lines()).toEqual([]);
});

test("with patience it is asked again, over connections that are lost too, and said once until there is an answer", async () => {
  const again = connecting(REFUSED, client(GONE), client("answer", GONE), client("other"));
  const connection = new LastingConnection(client(GONE), again);
  connection.patienceMs = Infinity;
  expect(await ask(connection)).toBe("answer");
  const outage = ["voik: b:1 closed the connection: connecting again\n", "voik: connected again\n"];
  expect(lines()).toEqual(outage);
  expect(await ask(connection)).toBe("other");
  expect(lines()).toEqual([...outage, ...outage]);
});

test("patience comes to an end, and counts from the loss", async () => {
  const connection = new LastingConnection(client(GONE), connecting());
  connection.patienceMs = 150;
  expect(await ask(connection)).toMatchObject({ exitCode: 69, message: REFUSED.message });
  expect(lines().length).toBe(1);
});

test("a broker that answers nothing for too long is taken for gone", async () => {
  const silent = { request: () => new Promise(() => {}), close: () => {} } as unknown as KafkaClient;
  const connection = new LastingConnection(silent, connecting(client("answer")), 20);
  connection.patienceMs = Infinity;
  expect(await ask(connection)).toBe("answer");
  expect(lines()).toEqual([
    "voik: the broker has not answered for 20 ms: connecting again\n",
    "voik: connected again\n",
  ]);
});

test("what would come again is an error at once", async () => {
  const refusal = new VoikError("argument_invalid", "the broker refuses the login");
  const connection = new LastingConnection(client(GONE), connecting(refusal));
  connection.patienceMs = Infinity;
  expect(await ask(connection)).toBe(refusal);
  const unsupported = new VoikError("unsupported", "no version in common");
  expect(await ask(new LastingConnection(client(unsupported), connecting()))).toBe(unsupported);
});
