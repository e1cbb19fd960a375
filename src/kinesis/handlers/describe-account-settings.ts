/** DescribeAccountSettings. */
import { accountSettingsView } from "../account-settings.ts";
import { operation } from "../operation.ts";
import { structure } from "../shapes.ts";

export const describeAccountSettings = operation(structure({}), (_request, context) =>
  accountSettingsView(context),
);
