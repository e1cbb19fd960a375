/**
 * A message of Kafka's protocol: a table of fields, and a compiled reader and writer for each version, made when a
 * version is first used.
 */
import { assert } from "../../base/assert.ts";
import { compileReader, compileWriter } from "./compile.ts";
import {
  type Decoded,
  type Encodable,
  type Fields,
  inVersions,
  type VersionRange,
  versionRange,
} from "./fields.ts";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

export class Message<F extends Fields = Fields> {
  private readonly readers: ((reader: Reader) => unknown)[] = [];
  private readonly writers: ((writer: Writer, body: unknown) => void)[] = [];

  constructor(
    readonly name: string,
    readonly versions: VersionRange,
    /** Versions with compact lengths and tagged fields. */
    readonly flexible: VersionRange,
    readonly fields: F,
  ) {}

  isFlexible(version: number): boolean {
    return inVersions(this.flexible, version);
  }

  /** Decodes a body of `version`. Throws FrameError. */
  read(version: number, reader: Reader): Decoded<F> {
    let read = this.readers[version];
    if (read === undefined) {
      assert(inVersions(this.versions, version), `${this.name} has no version ${version}`);
      read = this.readers[version] = compileReader(this.fields, version, this.isFlexible(version));
    }
    return read(reader) as Decoded<F>;
  }

  /** Encodes `body` as `version`; fields that the version lacks are left out. */
  write(version: number, writer: Writer, body: Encodable<F>): void {
    let write = this.writers[version];
    if (write === undefined) {
      assert(inVersions(this.versions, version), `${this.name} has no version ${version}`);
      write = this.writers[version] = compileWriter(this.fields, version, this.isFlexible(version));
    }
    write(writer, body);
  }
}

/** Declares a message; `versions` are those that voik speaks. */
export function message<const F extends Fields>(
  name: string,
  ranges: { versions: string; flexible: string },
  fields: F,
): Message<F> {
  return new Message(name, versionRange(ranges.versions), versionRange(ranges.flexible), fields);
}

/** The decoded form of a message. */
export type BodyOf<M> = M extends Message<infer F> ? Decoded<F> : never;
/** What a message can be encoded from. */
export type InputOf<M> = M extends Message<infer F> ? Encodable<F> : never;

/** The two messages of an API, under its key. */
export interface ApiMessages<RequestFields extends Fields = Fields, ReplyFields extends Fields = Fields> {
  readonly key: number;
  readonly name: string;
  readonly request: Message<RequestFields>;
  readonly reply: Message<ReplyFields>;
}
