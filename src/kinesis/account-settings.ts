/** AWS's minimum throughput billing commitment, kept as the broker's setting. voik bills nobody: it is only recorded. */
import type { RequestContext } from "./operation.ts";

const SETTING = "kinesis.billing-commitment";

export interface BillingCommitment {
  status: "ENABLED" | "DISABLED";
  startedAtMs?: number | undefined;
  endedAtMs?: number | undefined;
}

export function billingCommitment({ broker }: RequestContext): BillingCommitment {
  const text = broker.settings.get(SETTING);
  return text === undefined ? { status: "DISABLED" } : (JSON.parse(text) as BillingCommitment);
}

export function setBillingCommitment({ broker }: RequestContext, commitment: BillingCommitment): void {
  broker.setSetting(SETTING, JSON.stringify(commitment));
}

export function accountSettingsView(context: RequestContext): object {
  const { status, startedAtMs, endedAtMs } = billingCommitment(context);
  const time = (ms: number | undefined) => (ms === undefined ? undefined : context.format.timestamp(ms));
  return {
    MinimumThroughputBillingCommitment: {
      Status: status,
      StartedAt: time(startedAtMs),
      EndedAt: time(endedAtMs),
    },
  };
}
