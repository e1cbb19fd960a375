/**
 * Calls to one log on a disk that misbehaves: one that fails may do so only for a reason that the disk gave, or because
 * the process died in it.
 */
import { type ErrorCode, VoikError } from "../../src/base/errors.ts";
import type { ProcessLife } from "./process-life.ts";
import { type FaultCounts, firedSince } from "./sim-faults.ts";
import type { SlotParts } from "./slot-parts.ts";
import { demand, Violation } from "./violation.ts";

export class CheckedCalls {
  life: ProcessLife | undefined;
  /** A sync of this log has failed in this life: it may acknowledge nothing any more. */
  refuses = false;

  constructor(
    private readonly parts: Pick<SlotParts, "disk" | "trace">,
    private readonly folder: string,
  ) {}

  /** Runs a call; false when it failed, which it may for a reason that the disk gave, or with a code of `codes`. */
  attempt(codes: readonly ErrorCode[], run: () => void): boolean {
    const before = { ...this.parts.disk.fired };
    try {
      run();
      return true;
    } catch (error) {
      if (this.parts.disk.dead) return false;
      if (error instanceof Violation) throw error;
      this.parts.trace(`failed: ${String(error)}`);
      this.expectReason(error, before, codes);
      return false;
    }
  }

  expectReason(error: unknown, before: FaultCounts, codes: readonly ErrorCode[]): void {
    const fired = firedSince(before, this.parts.disk.fired);
    demand(
      error instanceof VoikError,
      `a raw error came out: ${error instanceof Error ? error.stack : String(error)}`,
    );
    const { code } = error;
    const fair =
      (code === "disk_full" && fired.includes("full")) ||
      (code === "storage_failed" &&
        (this.refuses ||
          this.life?.syncFailed ||
          fired.some((kind) => kind !== "full" && kind !== "flip"))) ||
      (code === "storage_damaged" && (this.hasGap() || (codes.includes(code) && fired.includes("flip")))) ||
      (code === "offset_out_of_range" && codes.includes(code));
    demand(fair, `${code} for no reason: ${error.message}`);
  }

  /** Bits that were flipped in two reads in a row are damage to a log. */
  hasGap(): boolean {
    return this.parts.disk.snapshot(this.folder, /^gaps$/).size > 0;
  }
}
