/**
 * All users in memory, with what proves that somebody is one: SCRAM credentials and access keys. A change is written
 * first and then made here, so what is seen here is durable.
 */
import type { Clock } from "../base/clock.ts";
import type { DatabaseFile } from "../base/database.ts";
import { VoikError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import type { AccessKey, User, Users } from "./access.ts";
import * as rows from "./access-database.ts";
import { ANONYMOUS, EVERYBODY, principalOf } from "./acl.ts";
import {
  credentialOf,
  decoyCredential,
  SCRAM_ITERATIONS_MAX,
  SCRAM_ITERATIONS_MIN,
  SCRAM_MECHANISMS,
  type ScramCredential,
  type ScramMechanism,
  saltedPassword,
} from "./scram.ts";
import { timingSafeEqual } from "node:crypto";

/** What a new password gets: double the least that is allowed. A decoy looks the same. */
const ITERATIONS = 8192;
const SALT_BYTES = 24;
const DECOY_SECRET_BYTES = 32;
/** Whose credential PLAIN passwords are checked against. */
const PLAIN_CHECK: ScramMechanism = "SCRAM-SHA-256";

const NAME = /^[^\p{Cc}]{1,128}$/u;
const PASSWORD_LENGTH_MAX = 1024;
const USERS_MAX = 10_000;
const ACCESS_KEYS_MAX = 10;
/** RFC 4648's letters and digits: an access key id of AWS has no others. */
const KEY_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const KEY_ID_PREFIX = "VOIK";
const KEY_ID_RANDOM = 16;
const KEY_SECRET_BYTES = 30;

interface Entry {
  readonly createdAtMs: number;
  readonly scram: Map<ScramMechanism, ScramCredential>;
  readonly accessKeyIds: string[];
}

export interface UserBookOptions {
  file: DatabaseFile;
  clock: Clock;
  random: Random;
}

export class UserBook implements Users {
  private readonly entries = new Map<string, Entry>();
  private readonly keys = new Map<string, AccessKey>();
  private readonly decoySecret: Buffer;

  constructor(private readonly options: UserBookOptions) {
    const { file, random } = options;
    this.decoySecret = rows.readDecoySecret(file, () => random.bytes(DECOY_SECRET_BYTES));
    for (const row of rows.readUsers(file)) this.entries.set(row.name, newEntry(row.createdAtMs));
    for (const { user, mechanism, ...credential } of rows.readScram(file))
      this.entries.get(user)?.scram.set(mechanism, credential);
    for (const key of rows.readAccessKeys(file)) this.keep(key);
  }

  list(): User[] {
    const names = [...this.entries.keys()].sort();
    return names.map((name) => this.find(name) as User);
  }

  find(name: string): User | undefined {
    const entry = this.entries.get(name);
    if (entry === undefined) return undefined;
    const { createdAtMs, scram, accessKeyIds } = entry;
    const mechanisms = SCRAM_MECHANISMS.filter((mechanism) => scram.has(mechanism));
    return { name, createdAtMs, mechanisms, accessKeyIds: [...accessKeyIds] };
  }

  async create(name: string, password: string | undefined): Promise<void> {
    this.checkNew(name);
    const scram = password === undefined ? new Map() : await this.credentialsOf(password);
    // Somebody else may have made it in the meantime.
    this.checkNew(name);
    const entry = newEntry(this.options.clock.nowMs(), scram);
    this.options.file.change((database) => {
      rows.insertUser(database, { name, createdAtMs: entry.createdAtMs });
      for (const [mechanism, credential] of entry.scram)
        rows.replaceScram(database, { user: name, mechanism, ...credential });
    });
    this.entries.set(name, entry);
  }

  delete(name: string): void {
    const { accessKeyIds } = this.entry(name);
    this.options.file.change((database) => rows.deleteUser(database, name));
    for (const id of accessKeyIds) this.keys.delete(id);
    this.entries.delete(name);
  }

  async setPassword(name: string, password: string): Promise<void> {
    this.entry(name);
    const scram = await this.credentialsOf(password);
    const entry = this.entry(name);
    this.options.file.change((database) => {
      for (const [mechanism, credential] of scram)
        rows.replaceScram(database, { user: name, mechanism, ...credential });
    });
    for (const [mechanism, credential] of scram) entry.scram.set(mechanism, credential);
  }

  async passwordMatches(name: string, password: string): Promise<boolean> {
    const scram = this.entries.get(name)?.scram;
    const [mechanism = PLAIN_CHECK] = scram?.has(PLAIN_CHECK) ? [] : [...(scram?.keys() ?? [])];
    const credential = scram?.get(mechanism) ?? this.decoyCredential(name, mechanism);
    const { salt, iterations, storedKey } = credential;
    // A longer one can't have been set: what is hashed for it need not be long.
    const salted = await saltedPassword(
      mechanism,
      password.slice(0, PASSWORD_LENGTH_MAX + 1),
      salt,
      iterations,
    );
    return timingSafeEqual(credentialOf(mechanism, salted, salt, iterations).storedKey, storedKey);
  }

  scramCredential(name: string, mechanism: ScramMechanism): ScramCredential | undefined {
    return this.entries.get(name)?.scram.get(mechanism);
  }

  decoyCredential(name: string, mechanism: ScramMechanism): ScramCredential {
    return decoyCredential(mechanism, this.decoySecret, name, {
      saltBytes: SALT_BYTES,
      iterations: ITERATIONS,
    });
  }

  setScramCredential(name: string, mechanism: ScramMechanism, credential: ScramCredential): void {
    const { iterations } = credential;
    if (iterations < SCRAM_ITERATIONS_MIN || iterations > SCRAM_ITERATIONS_MAX) {
      const message = `SCRAM takes ${SCRAM_ITERATIONS_MIN} to ${SCRAM_ITERATIONS_MAX} iterations, not ${iterations}`;
      throw new VoikError("argument_invalid", message);
    }
    const known = this.entries.get(name);
    if (known === undefined) this.checkNew(name);
    const entry = known ?? newEntry(this.options.clock.nowMs());
    this.options.file.change((database) => {
      if (known === undefined) rows.insertUser(database, { name, createdAtMs: entry.createdAtMs });
      rows.replaceScram(database, { user: name, mechanism, ...credential });
    });
    entry.scram.set(mechanism, credential);
    this.entries.set(name, entry);
  }

  deleteScramCredential(name: string, mechanism: ScramMechanism): boolean {
    const scram = this.entries.get(name)?.scram;
    if (!scram?.has(mechanism)) return false;
    this.options.file.change((database) => rows.deleteScram(database, name, mechanism));
    return scram.delete(mechanism);
  }

  createAccessKey(name: string): AccessKey {
    const { file, clock, random } = this.options;
    if (this.entry(name).accessKeyIds.length >= ACCESS_KEYS_MAX) {
      const message = `user ${name} has ${ACCESS_KEYS_MAX} access keys, the most there can be: delete one`;
      throw new VoikError("limit_exceeded", message);
    }
    const letters = [...random.bytes(KEY_ID_RANDOM)].map((byte) => KEY_ID_LETTERS[byte % 32]).join("");
    const key: AccessKey = {
      id: KEY_ID_PREFIX + letters,
      secret: random.bytes(KEY_SECRET_BYTES).toString("base64"),
      user: name,
    };
    file.change((database) => rows.insertAccessKey(database, key, clock.nowMs()));
    this.keep(key);
    return key;
  }

  deleteAccessKey(id: string): boolean {
    const key = this.keys.get(id);
    if (key === undefined) return false;
    this.options.file.change((database) => rows.deleteAccessKey(database, id));
    this.keys.delete(id);
    const { accessKeyIds } = this.entry(key.user);
    accessKeyIds.splice(accessKeyIds.indexOf(id), 1);
    return true;
  }

  accessKey(id: string): AccessKey | undefined {
    return this.keys.get(id);
  }

  private keep(key: AccessKey): void {
    this.keys.set(key.id, key);
    this.entries.get(key.user)?.accessKeyIds.push(key.id);
  }

  private entry(name: string): Entry {
    const entry = this.entries.get(name);
    if (entry === undefined) throw new VoikError("user_not_found", `there is no user ${name}`);
    return entry;
  }

  private checkNew(name: string): void {
    if (this.entries.has(name)) throw new VoikError("user_exists", `there is a user ${name} already`);
    const taken = [ANONYMOUS, EVERYBODY].includes(principalOf(name));
    if (!NAME.test(name) || taken) {
      const message =
        "a user's name has 1 to 128 characters, none of them a control character; not * or ANONYMOUS";
      throw new VoikError("argument_invalid", message);
    }
    if (this.entries.size >= USERS_MAX)
      throw new VoikError("limit_exceeded", `there can be ${USERS_MAX} users: delete some`);
  }

  private async credentialsOf(password: string): Promise<Map<ScramMechanism, ScramCredential>> {
    if (password === "" || password.length > PASSWORD_LENGTH_MAX) {
      throw new VoikError(
        "argument_invalid",
        `a password has 1 to ${PASSWORD_LENGTH_MAX} characters, not ${password.length}`,
      );
    }
    const scram = new Map<ScramMechanism, ScramCredential>();
    for (const mechanism of SCRAM_MECHANISMS) {
      const salt = this.options.random.bytes(SALT_BYTES);
      const salted = await saltedPassword(mechanism, password, salt, ITERATIONS);
      scram.set(mechanism, credentialOf(mechanism, salted, salt, ITERATIONS));
    }
    return scram;
  }
}

function newEntry(createdAtMs: number, scram = new Map<ScramMechanism, ScramCredential>()): Entry {
  return { createdAtMs, scram, accessKeyIds: [] };
}
