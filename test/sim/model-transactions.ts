/**
 * The oracle for transactions: which are open and which aborted, worked out anew each time from all batches that the log
 * was given and has not lost. It knows nothing of how the log keeps that.
 */
import type { AbortedTransaction, ShardLog } from "../../src/log/shard-log.ts";
import { demand } from "./violation.ts";

/** What a batch is to its producer's transaction. */
export interface ModelPart {
  producerId: number;
  kind: "records" | "commit" | "abort";
}

/** The offsets of a batch, and what it is to a transaction. */
export interface ModelSpan {
  baseOffset: number;
  endOffset: number;
  /** Undefined outside of transactions. */
  part?: ModelPart | undefined;
}

interface Part extends ModelPart {
  baseOffset: number;
  endOffset: number;
}

export class ModelTransactions {
  private parts: Part[] = [];
  private lastProducerId = 0;

  appended({ part, baseOffset, endOffset }: ModelSpan): void {
    if (part) this.parts.push({ ...part, baseOffset, endOffset });
  }

  /** A crash has left the log at `endOffset`. */
  recovered(endOffset: number): void {
    this.parts = this.parts.filter((part) => part.endOffset <= endOffset);
  }

  /** Every transaction has a producer of its own, so that no crash disturbs its sequences. */
  newProducerId(): number {
    return ++this.lastProducerId;
  }

  get openIds(): number[] {
    return [...this.open().keys()];
  }

  /** The sequence that the producer's next batch begins with. */
  nextSequence(producerId: number): number {
    const own = this.parts.filter((part) => part.producerId === producerId && part.kind === "records");
    return own.reduce((sum, { baseOffset, endOffset }) => sum + endOffset - baseOffset, 0);
  }

  /** What the log says about its transactions. */
  check(log: ShardLog): void {
    const { startOffset, durableEnd } = log;
    const open = this.open();
    const told = log.openTransactions().map(({ producerId, firstOffset }) => `${producerId}@${firstOffset}`);
    const expected = [...open].map(([producerId, firstOffset]) => `${producerId}@${firstOffset}`);
    demand(told.sort().join() === expected.sort().join(), `open: ${told.join()}, not ${expected.join()}`);

    const ended = this.ended();
    const unsettled = ended.filter(({ markerOffset }) => markerOffset >= durableEnd);
    const firsts = [...open.values(), ...unsettled.map(({ firstOffset }) => firstOffset)];
    const stableEnd = Math.max(startOffset, Math.min(durableEnd, ...firsts));
    demand(log.stableEnd === stableEnd, `stable end ${log.stableEnd}, not ${stableEnd}`);

    const aborted = ended.filter(({ kind, markerOffset }) => kind === "abort" && markerOffset >= startOffset);
    const line = (one: AbortedTransaction) => `${one.producerId}:${one.firstOffset}..${one.markerOffset}`;
    const toldAborted = log.abortedIn(startOffset, Infinity).map(line).join();
    demand(
      toldAborted === aborted.map(line).join(),
      `aborted: ${toldAborted}, not ${aborted.map(line).join()}`,
    );
  }

  /** First offsets by producer. */
  private open(): Map<number, number> {
    const open = new Map<number, number>();
    for (const { producerId, kind, baseOffset } of this.parts) {
      if (kind !== "records") open.delete(producerId);
      else if (!open.has(producerId)) open.set(producerId, baseOffset);
    }
    return open;
  }

  private ended(): (AbortedTransaction & { kind: string })[] {
    const first = new Map<number, number>();
    const ended: (AbortedTransaction & { kind: string })[] = [];
    for (const { producerId, kind, baseOffset } of this.parts) {
      if (!first.has(producerId)) first.set(producerId, baseOffset);
      const firstOffset = first.get(producerId) as number;
      if (kind !== "records") ended.push({ producerId, firstOffset, markerOffset: baseOffset, kind });
    }
    return ended;
  }
}
