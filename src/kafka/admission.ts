/**
 * Who gets a connection: as many as --connections-max, so many from one address unless it is this machine, and none that
 * would take a descriptor which files need. Whoever is refused can't be told why, having asked nothing yet: the log is,
 * once a minute for each reason, and the metrics are, every time.
 */
import { isLoopback } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import type { LogFields, Logger } from "../base/logger.ts";
import { SeldomWarnings } from "../base/seldom.ts";
import type { CloseReason, KafkaMetrics } from "./metrics.ts";
import type { KafkaLimits } from "./options.ts";

export interface AdmissionParts {
  limits: Pick<KafkaLimits, "connectionsMax" | "connectionsPerAddressMax" | "descriptorsMax">;
  metrics: KafkaMetrics;
  logger: Logger;
  clock: Clock;
}

export class Admission {
  private admitted = 0;
  private readonly ofAddress = new Map<string, number>();
  private readonly warnings: SeldomWarnings;

  constructor(private readonly parts: AdmissionParts) {
    this.warnings = new SeldomWarnings(parts.logger, parts.clock);
  }

  /** Whether a connection from `address` with that descriptor may stay; then it counts until it `leaves`. */
  admits(address: string, descriptor: number): boolean {
    const { connectionsMax, connectionsPerAddressMax, descriptorsMax } = this.parts.limits;
    const fromAddress = this.ofAddress.get(address) ?? 0;
    if (descriptor >= descriptorsMax)
      return this.refuse(
        "descriptors",
        "Kafka connections are refused, files need the descriptors: raise ulimit -n",
      );
    if (this.admitted >= connectionsMax)
      return this.refuse(
        "connections",
        `${connectionsMax} Kafka connections are open, as many as --connections-max allows: more are refused`,
      );
    if (fromAddress >= connectionsPerAddressMax && !isLoopback(address))
      return this.refuse("connections", "more Kafka connections from one address are refused", {
        address,
        open: fromAddress,
      });
    this.admitted++;
    this.ofAddress.set(address, fromAddress + 1);
    return true;
  }

  /** An admitted connection from `address` is gone. */
  leaves(address: string): void {
    this.admitted--;
    const left = (this.ofAddress.get(address) ?? 1) - 1;
    if (left === 0) this.ofAddress.delete(address);
    else this.ofAddress.set(address, left);
  }

  private refuse(reason: CloseReason, message: string, fields?: LogFields): false {
    this.parts.metrics.countClosed(reason);
    this.warnings.warn(message, message, fields);
    return false;
  }
}
