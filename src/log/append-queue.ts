/**
 * Appends as promises of durability, in the order of the calls. What comes while the log is congested waits here, so
 * that a caller who awaits nothing can't leave more unsynced than recovery reckons with.
 */
import { VoikError } from "../base/errors.ts";
import type { DurableWaiter, ShardLog, TailListener } from "./shard-log.ts";

interface QueuedAppend {
  batch: Buffer;
  resolve: (baseOffset: number) => void;
  reject: (error: unknown) => void;
}

export class AppendQueue implements TailListener {
  private readonly queued: QueuedAppend[] = [];
  private closing: PromiseWithResolvers<void> | undefined;

  constructor(private readonly log: ShardLog) {
    log.addTailListener(this);
  }

  /** Appends `batch`; resolves to its base offset when it is on the disk. The log may write into the bytes. */
  append(batch: Buffer): Promise<number> {
    if (this.closing) return Promise.reject(new VoikError("shutting_down", "the log is closed"));
    return new Promise((resolve, reject) => {
      this.queued.push({ batch, resolve, reject });
      this.onDurableEnd();
    });
  }

  onDurableEnd(): void {
    while (this.queued.length > 0 && !this.log.congested) this.start(this.queued.shift() as QueuedAppend);
    if (this.queued.length === 0) this.closing?.resolve();
  }

  /** Takes no more; resolves when everything queued has gone to the log. */
  close(): Promise<void> {
    this.closing ??= Promise.withResolvers<void>();
    this.onDurableEnd();
    return this.closing.promise.finally(() => this.log.removeTailListener(this));
  }

  private start({ batch, resolve, reject }: QueuedAppend): void {
    let baseOffset = -1;
    const waiter: DurableWaiter = {
      onDurable: () => resolve(baseOffset),
      onAppendFailed: (_, error) => {
        reject(error);
        // Nothing will become durable any more, and no listener will be told.
        for (const waiting of this.queued.splice(0)) waiting.reject(error);
        this.closing?.resolve();
      },
    };
    try {
      baseOffset = this.log.append(batch, waiter);
    } catch (error) {
      reject(error);
    }
  }
}
