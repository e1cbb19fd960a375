/** UpdateAccountSettings: the billing commitment, recorded and shown. */
import { accountSettingsView, billingCommitment, setBillingCommitment } from "../account-settings.ts";
import { operation } from "../operation.ts";
import { oneOf, required, structure } from "../shapes.ts";

const input = structure({
  MinimumThroughputBillingCommitment: required(structure({ Status: required(oneOf("ENABLED", "DISABLED")) })),
});

export const updateAccountSettings = operation(input, (request, context) => {
  const { Status: status } = request.MinimumThroughputBillingCommitment;
  const before = billingCommitment(context);
  const nowMs = context.clock.nowMs();
  if (status !== before.status) {
    const times = status === "ENABLED" ? { startedAtMs: nowMs } : { ...before, endedAtMs: nowMs };
    setBillingCommitment(context, { ...times, status });
  }
  return accountSettingsView(context);
});
