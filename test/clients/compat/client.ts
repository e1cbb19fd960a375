/**
 * What a Kafka client is to the matrix of compat.test.ts: a program that is told one thing to do. The programs in
 * programs/ take these words as they are; command-line tools have them translated (kcat.ts, console-tools.ts).
 *
 *   produce TOPIC CODEC          values, one a line of standard input; ends once all are acknowledged
 *   idempotent TOPIC             the same, as an idempotent producer
 *   commit TOPIC ID              the same, in one transaction of transactional id ID; `abort` aborts it
 *   member GROUP TOPIC           joins, prints each value that is committed, a line each; SIGTERM: leaves
 *   create TOPIC PARTITIONS      describe TOPIC: prints "partitions N" and "retention.ms N"
 *   alter TOPIC MS               sets retention.ms
 *   delete TOPIC
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../helpers/installed.ts";
import { temporaryFolder } from "../../helpers/voik-process.ts";

export const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
export type Codec = (typeof CODECS)[number];

export type Verb =
  "produce" | "idempotent" | "commit" | "abort" | "member" | "create" | "describe" | "alter" | "delete";

/** The rows of the matrix, as it prints them. */
export const FEATURES = {
  codecs: "produce: none, gzip, snappy, lz4, zstd",
  group: "group of three: join, leave, kill",
  resume: "commit and resume",
  idempotent: "idempotent produce",
  transactions: "transactions, read_committed",
  admin: "create, describe, alter, delete",
  scram: "SASL_SSL with SCRAM-SHA-512",
} as const;
export type Feature = keyof typeof FEATURES;

/** Where the broker is, and who logs in over SASL_SSL. */
export interface Connection {
  /** host:port */
  broker: string;
  login?: { user: string; password: string; /** Path of the authority's certificate, PEM. */ ca: string };
}

export interface Command {
  argv: readonly string[];
  env?: Record<string, string>;
  /** What the words above call standard output, out of what this command prints. */
  translate?: (printed: string) => string;
}

export interface CompatClient {
  name: string;
  /** As the matrix names it. */
  version: string;
  /** Whether `make test-clients` fetches it and runs it; `make test` runs the others. */
  isFetched: boolean;
  /** Whether a machine may lack it even where clients are required. */
  isOptional?: boolean;
  /** Why it cannot be run here; undefined when it can. */
  missing(): string | undefined;
  /** What it has no way to do, and why. */
  cannot: Partial<Record<Feature, { why: string; shownBy: () => Promise<void> }>>;
  /** What is to be known about how it does things. */
  notes: Partial<Record<Feature, string>>;
  codecs: readonly Codec[];
  /** Whether it can abort a transaction that it has written to. */
  aborts: boolean;
  command(verb: Verb, args: readonly string[], connection: Connection, values: readonly string[]): Command;
}

const LEAVE_MS = 20_000;
const ENV = { PATH: process.env.PATH ?? "/usr/bin:/bin", HOME: process.env.HOME ?? "/" };

/** Has the client do a thing to its end; resolves to what it printed. Throws with its standard error on a failure. */
export async function tell(
  client: CompatClient,
  connection: Connection,
  verb: Verb,
  args: readonly string[],
  values: readonly string[] = [],
): Promise<string> {
  const { argv, env, translate } = client.command(verb, args, connection, values);
  const input = Buffer.from(values.map((value) => `${value}\n`).join(""));
  const printed = (await run(argv, { env: { ...ENV, ...env }, input })).toString();
  return translate ? translate(printed) : printed;
}

/**
 * One member of a group: a process that prints what it reads, until it is told to leave or is killed. It prints to files:
 * the end of a pipe was not always told when many processes began at once (Bun 1.4.5).
 */
export class Member implements AsyncDisposable {
  private readonly folder = temporaryFolder("member");
  private readonly out = join(this.folder, "out");
  private readonly err = join(this.folder, "err");
  private readonly child: Bun.Subprocess;

  constructor(client: CompatClient, connection: Connection, group: string, topic: string) {
    const { argv, env } = client.command("member", [group, topic], connection, []);
    this.child = Bun.spawn([...argv], {
      env: { ...ENV, ...env },
      stdin: "ignore",
      stdout: Bun.file(this.out),
      stderr: Bun.file(this.err),
    });
  }

  /** What it has read so far. */
  get values(): string[] {
    return readFileSync(this.out, "utf8").split("\n").slice(0, -1);
  }

  get errors(): string {
    return readFileSync(this.err, "utf8").slice(-8000);
  }

  /** Leaves the group as a client does. Throws when that takes longer than 20 seconds. */
  async leave(): Promise<void> {
    this.child.kill("SIGTERM");
    const late = Bun.sleep(LEAVE_MS).then(() => "late");
    if ((await Promise.race([this.child.exited, late])) === "late")
      throw new Error(`SIGTERM does not end it\n${this.errors}`);
  }

  /** SIGKILL: the group hears nothing. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Environment of the programs in programs/. */
export function programEnv({ broker, login }: Connection): Record<string, string> {
  const env = { COMPAT_BROKER: broker };
  if (login === undefined) return env;
  return { ...env, COMPAT_USER: login.user, COMPAT_PASSWORD: login.password, COMPAT_CA: login.ca };
}

/** Path of a program of programs/. */
export const programPath = (name: string): string => join(import.meta.dir, "programs", name);

const BUNDLES = join(import.meta.dir, "../../../build/clients/programs");
const bundled = new Map<string, string>();

/** Path of a JavaScript program in one file with its packages, made once: it starts three times as fast. */
export function bundlePath(name: string): string {
  const known = bundled.get(name);
  if (known !== undefined) return known;
  const path = join(BUNDLES, name.replace(/ts$/, "js"));
  // It reads a file that lies beside it.
  const external = ["--external", "@platformatic/wasm-utils"];
  const build = [
    process.execPath,
    "build",
    "--target=bun",
    ...external,
    "--outfile",
    path,
    programPath(name),
  ];
  const { success, stderr } = Bun.spawnSync(build, { stdout: "ignore", stderr: "pipe" });
  if (!success) throw new Error(`${name} does not bundle: ${stderr}`);
  bundled.set(name, path);
  return path;
}

/** For `missing`: whether what an environment variable names is there. */
export function missingPath(variable: string, inside = ""): string | undefined {
  const path = process.env[variable];
  if (path !== undefined && existsSync(join(path, inside))) return undefined;
  return `make test-clients fetches it (${variable})`;
}
