/**
 * Fieldbridge trigger: tells Fieldbridge that a record was saved.
 *
 * Deploy it to the connector's record type as docs/platforms/netsuite.md says. It posts
 *   {"record_type": "supportcase", "id": "123", "event": "create" | "edit" | "xedit"}
 * and never keeps anybody from saving: what goes wrong is written to the script's log and no further.
 *
 * Script parameters:
 *   custscript_fieldbridge_address  Free-Form Text  "Fieldbridge address": the connector's trigger URL
 *   custscript_fieldbridge_secret   Password        "Fieldbridge secret": the connector's trigger_secret, or empty
 *   custscript_fieldbridge_user     Integer Number  "Fieldbridge user": the integration's user, whose saves are left out
 *
 * @NApiVersion 2.1
 * @NScriptType UserEventScript
 * @NModuleScope SameAccount
 */
define(['N/https', 'N/runtime'], (https, runtime) => {
  const afterSubmit = (context) => {
    const events = [context.UserEventType.CREATE, context.UserEventType.EDIT, context.UserEventType.XEDIT];
    if (!events.includes(context.type)) {
      return;
    }
    const script = runtime.getCurrentScript();
    const parameter = (name) => script.getParameter({ name });
    const address = parameter('custscript_fieldbridge_address');
    const user = parameter('custscript_fieldbridge_user');
    if (!address || (user && String(runtime.getCurrentUser().id) === String(user))) {
      return;
    }
    const headers = { 'Content-Type': 'application/json' };
    const secret = parameter('custscript_fieldbridge_secret');
    if (secret) {
      headers['X-Fieldbridge-Secret'] = secret;
    }
    try {
      const answer = https.post({
        url: address,
        headers,
        body: JSON.stringify({
          record_type: context.newRecord.type,
          id: String(context.newRecord.id),
          event: String(context.type).toLowerCase()
        })
      });
      if (answer.code >= 300) {
        log.error({ title: `Fieldbridge answered ${answer.code}`, details: answer.body });
      }
    } catch (error) {
      log.error({ title: 'Fieldbridge can\'t be reached', details: error });
    }
  };

  return { afterSubmit };
});
