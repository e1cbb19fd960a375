/** IncrementalAlterConfigs: sets and deletes single settings of topics; the others stay (KIP-339). */
import { VoikError } from "../../base/errors.ts";
import { alterConfigs } from "../alter-configs.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { ConfigType } from "../config-entry.ts";
import type {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from "../messages/44-incremental-alter-configs.ts";
import { changeConfigs, type ConfigChange, noValue, topicConfigOf } from "../topic-configs.ts";

type Request = BodyOf<typeof IncrementalAlterConfigsRequest>;
type Operation = Request["resources"][number]["configs"][number];

const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;

export const incrementalAlterConfigsHandler: Handler<
  Request,
  InputOf<typeof IncrementalAlterConfigsResponse>
> = ({ resources, validateOnly }, { context }) => ({
  throttleTimeMs: 0,
  responses: alterConfigs(context, resources, validateOnly, (topic, configs) =>
    changeConfigs(context, topic, configs.map(changeOf)),
  ),
});

function changeOf({ name, configOperation, value }: Operation): ConfigChange {
  const config = topicConfigOf(name);
  switch (configOperation) {
    case DELETE:
      return { name, value: null };
    case SET:
      if (value === null) throw noValue(name);
      return { name, value };
    case APPEND:
      if (config.type !== ConfigType.list) break;
      // The one list there is has one value: appending that changes nothing.
      return { name, value };
    case SUBTRACT:
      if (config.type !== ConfigType.list) break;
      return { name, value: "" };
    default:
      throw new VoikError("argument_invalid", `${configOperation} is no operation on a setting: use 0 to 3`);
  }
  throw new VoikError("config_invalid", `${name} is no list: set it instead`);
}
