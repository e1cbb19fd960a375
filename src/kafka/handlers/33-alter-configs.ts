/** AlterConfigs: replaces everything that a topic has chosen. Newer clients use IncrementalAlterConfigs. */
import { alterConfigs } from "../alter-configs.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import type { AlterConfigsRequest, AlterConfigsResponse } from "../messages/33-alter-configs.ts";
import { changeConfigs, unchosen } from "../topic-configs.ts";

export const alterConfigsHandler: Handler<
  BodyOf<typeof AlterConfigsRequest>,
  InputOf<typeof AlterConfigsResponse>
> = ({ resources, validateOnly }, { context }) => ({
  throttleTimeMs: 0,
  responses: alterConfigs(context, resources, validateOnly, (_topic, configs) =>
    changeConfigs(context, unchosen(context), configs),
  ),
});
