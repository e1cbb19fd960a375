/**
 * Reads of one log under test: what is found has to be what the oracle says, wherever the look-up starts, and whatever has
 * become of the segment meanwhile.
 */
import type { CommitLog } from "../../src/log/commit-log.ts";
import type { LogRange } from "../../src/log/shard-log.ts";
import type { CheckedCalls } from "./checked-calls.ts";
import { isDurable } from "./durable.ts";
import type { ModelLog } from "./model-log.ts";
import type { SlotParts } from "./slot-parts.ts";
import { demand } from "./violation.ts";

const RANGES_HELD_MAX = 3;

export class SlotReads {
  private held: { range: LogRange; expected: Buffer }[] = [];

  constructor(
    private readonly parts: SlotParts,
    private readonly model: ModelLog,
    private readonly calls: CheckedCalls,
    /** Whether a range may be kept now, to be read again later. */
    private readonly mayHold: () => boolean,
  ) {}

  read(log: CommitLog): void {
    const { random, disk } = this.parts;
    const offset = random.between(log.startOffset, log.durableEnd);
    const maxBytes = random.pick([1, 100, 1000, 4096, 20_000]);
    this.parts.trace(`read at ${offset}, ${maxBytes} bytes at most`);
    const flips = disk.fired.flip;
    this.calls.attempt(["storage_damaged"], () => {
      const range = log.locate(offset, maxBytes);
      demand((range === undefined) === (offset === log.durableEnd), `a read at ${offset} found something`);
      if (range) this.readRange(log, range, offset, maxBytes, flips);
    });
    if (disk.dead) return;
    this.calls.attempt(["offset_out_of_range"], () => {
      const outside = random.oneIn(2) ? log.durableEnd + 1 + random.below(3) : log.startOffset - 1;
      demand(log.locate(outside, 100) === undefined, `a read outside at ${outside} answered`);
      demand(false, `a read outside at ${outside} was not refused`);
    });
  }

  lookUp(log: CommitLog): void {
    const { random, scheduler, disk } = this.parts;
    const timestampMs = scheduler.nowMs() - random.below(6_000) + 500;
    this.parts.trace(`look up time ${timestampMs}`);
    this.calls.attempt(["storage_damaged"], () => {
      for (const [found, expected] of [
        [log.offsetForTimestamp(timestampMs), this.model.timestampPosition(timestampMs, log.durableEnd)],
        [log.newest, this.model.newest(log.durableEnd)],
      ]) {
        // An index that was rebuilt from flipped headers may point behind the record for as long as it lives.
        if (disk.fired.flip > 0) return;
        demand(
          found?.offset === expected?.offset && found?.timestampMs === expected?.timestampMs,
          `time ${timestampMs}: found ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`,
        );
      }
    });
  }

  /** Reads everything, and demands that it is everything, with `pastGaps` but for damage that the log has noted. */
  readAll(log: CommitLog, pastGaps = false): void {
    const { disk } = this.parts;
    let offset = log.startOffset;
    while (offset < log.durableEnd) {
      if (
        pastGaps &&
        this.calls.hasGap() &&
        !this.calls.attempt([], () => log.locate(offset, 1)?.release())
      ) {
        offset++;
        continue;
      }
      const flips = disk.fired.flip;
      const range = log.locate(offset, 8_000);
      demand(range !== undefined, `nothing at ${offset}, before the durable end`);
      offset = this.readRange(log, range, offset, 8_000, flips);
    }
  }

  /** Reads again what was found earlier, whatever has become of its segment, and lets go of it. */
  release(): void {
    const held = this.held.shift();
    if (!held) return;
    const flips = this.parts.disk.fired.flip;
    // A failed sync drops pages of which the journal has the bytes: who was reading them finds the checksums wrong.
    const lost = this.calls.life?.syncFailed === true && this.calls.life.journal !== undefined;
    this.calls.attempt([], () => {
      const bytes = Buffer.alloc(held.range.bytes);
      try {
        held.range.copy(bytes, 0);
      } finally {
        held.range.release();
      }
      demand(
        bytes.equals(held.expected) || this.parts.disk.fired.flip > flips || lost,
        `a held range at ${held.range.baseOffset} changed`,
      );
    });
  }

  /** Checks and releases (or keeps) a range; returns the offset behind it. */
  readRange(log: CommitLog, range: LogRange, offset: number, maxBytes: number, flips: number): number {
    const { disk, random } = this.parts;
    const bytes = Buffer.alloc(range.bytes);
    let keep = false;
    try {
      range.copy(bytes, 0);
      if (disk.fired.flip > flips) return log.durableEnd;
      const end = this.model.checkRead(range, bytes, offset, maxBytes, log.durableEnd);
      demand(
        isDurable(disk, range, bytes, this.calls.life?.journal !== undefined),
        `${offset}..${end} was served and is not on the disk`,
      );
      keep = this.mayHold() && this.held.length < RANGES_HELD_MAX && random.oneIn(8);
      if (keep) this.held.push({ range, expected: bytes });
      return end;
    } finally {
      if (!keep) range.release();
    }
  }

  /** Reads again all that is held, unless the process dies in it. */
  releaseAll(): void {
    while (this.held.length > 0 && !this.parts.disk.dead) this.release();
  }

  /** The process is gone, with all that it held. */
  processEnded(): void {
    this.held = [];
  }
}
