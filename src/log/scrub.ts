/**
 * The background scrub: reads the sealed segments of all logs, one after the other, slowly, from the device and not
 * from the page cache, so that bytes that a disk has lost are found before somebody needs them.
 *
 *   piece | wait | piece | wait | …      at most `bytesPerSecond`, less where batches are small; the event loop is free
 *                                        between two pieces
 *
 * A pass starts soon after the start of the process and at most once a day. Damage is logged and counted once, and
 * handed to whoever can fence it. The last segment of a log is left out: recovery reads it.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { FileSystem } from "../base/file-system.ts";
import type { Logger } from "../base/logger.ts";
import type { MetricsRegistry } from "../base/metrics.ts";
import { type DamagedRange, describeDamage } from "./damage.ts";
import { Gaps } from "./gaps.ts";
import { segmentPaths } from "./layout.ts";
import { isSetAside, listShard } from "./verify.ts";
import { verifySegment } from "./verify-segment.ts";

export interface ScrubOptions {
  fileSystem: FileSystem;
  clock: Clock;
  logger: Logger;
  metrics?: MetricsRegistry | undefined;
  /** More than 0. */
  bytesPerSecond: number;
  /** The folders of the logs that are open. */
  folders: () => Iterable<string>;
  /** Told once of each damaged range, and the folder of its log. */
  onDamage?: (folder: string, range: DamagedRange) => void;
}

/** Time enough for a start to be over. */
const FIRST_PASS_MS = 1_000;
const PASS_INTERVAL_MS = 24 * 60 * 60 * 1_000;
/** Read at once: a bound on how long the event loop is held. */
const PIECE_BYTES = 128 * 1024;
/** Checking a batch costs as much as reading these many bytes, so small ones are read more slowly. */
export const BATCH_COST_BYTES = 3_072;

/** Ends a pass half-way through a file. */
class Stopped extends Error {}

export class Scrub {
  private readonly bytes;
  private readonly found;
  /** Places that were told of, as "path:position". */
  private readonly told = new Set<string>();
  private timer: Timer | undefined;
  private wake: (() => void) | undefined;
  private stopped = false;

  constructor(private readonly options: ScrubOptions) {
    const { metrics, clock } = options;
    this.bytes = metrics?.counter(
      "voik_log_scrub_bytes_total",
      "Bytes of sealed segments read to look for damage.",
    );
    this.found = metrics?.counter("voik_log_damage_found_total", "Damaged ranges that the scrub has found.");
    this.timer = clock.after(FIRST_PASS_MS, () => void this.run());
  }

  /** Ends the scrub; nothing is read after the next turn of the event loop. */
  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    this.wake?.();
  }

  private async run(): Promise<void> {
    const { clock, logger } = this.options;
    const startedMs = clock.monotonicMs();
    try {
      for (const folder of [...this.options.folders()]) await this.scrubLog(folder);
    } catch (error) {
      if (error instanceof Stopped) return;
      logger.warn("a scrub ended early", { error: String(error) });
    }
    const passMs = clock.monotonicMs() - startedMs;
    this.timer = clock.after(Math.max(FIRST_PASS_MS, PASS_INTERVAL_MS - passMs), () => void this.run());
  }

  private async scrubLog(folder: string): Promise<void> {
    const { fileSystem, logger } = this.options;
    if (!fileSystem.exists(folder)) return; // its stream was deleted meanwhile
    const { logs } = listShard(fileSystem, folder);
    for (const [i, baseOffset] of logs.slice(0, -1).entries()) {
      try {
        await this.scrubSegment(folder, baseOffset, logs[i + 1] as number);
      } catch (error) {
        if (error instanceof Stopped) throw error;
        if ((error as { code?: string }).code === "ENOENT") continue; // retention was here first
        logger.warn("a segment could not be scrubbed", { folder, baseOffset, error: String(error) });
      }
    }
  }

  private async scrubSegment(folder: string, baseOffset: number, nextBaseOffset: number): Promise<void> {
    const { fileSystem, logger, onDamage } = this.options;
    const { damage } = await verifySegment({
      fileSystem,
      paths: segmentPaths(folder, baseOffset),
      baseOffset,
      nextBaseOffset,
      fromDevice: true,
      windowBytes: PIECE_BYTES,
      pace: (bytes, batches) => this.pace(bytes, batches),
    });
    if (damage.length === 0) return;
    const gaps = Gaps.open(fileSystem, folder).all;
    for (const range of damage.filter((found) => !isSetAside(gaps, baseOffset, found))) {
      const place = `${range.path}:${range.position}`;
      if (this.told.has(place)) continue;
      this.told.add(place);
      this.found?.add();
      logger.error("the scrub found damage", {
        file: range.path,
        byte: range.position,
        bytes: range.bytes,
        fromOffset: range.offset,
        toOffset: range.endOffset,
        meaning: describeDamage(range),
      });
      onDamage?.(folder, range);
    }
  }

  private async pace(bytes: number, batches: number): Promise<void> {
    this.bytes?.add(bytes);
    const waitMs = ((bytes + batches * BATCH_COST_BYTES) / this.options.bytesPerSecond) * 1_000;
    if (!this.stopped) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        this.timer = this.options.clock.after(waitMs, resolve);
      });
    }
    if (this.stopped) throw new Stopped();
  }
}
