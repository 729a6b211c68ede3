//! What the org's flows send, read by the adapter.

use bytes::Bytes;
use fieldbridge::model::RecordId;
use fieldbridge::platform::{DeliveryForm, TriggerReading, TriggerRefusal, TriggerRequest};
use fieldbridge::sandbox::{Flow, FlowAction};
use http::{HeaderMap, Method, StatusCode};
use serde_json::json;

use super::bench::{Bench, Listener, sample};

fn request(body: impl Into<Bytes>) -> TriggerRequest {
    TriggerRequest {
        method: Method::POST,
        query: Vec::new(),
        headers: HeaderMap::new(),
        body: body.into(),
    }
}

async fn ids(bench: &Bench, request: &TriggerRequest) -> Vec<RecordId> {
    match bench.platform.read_trigger(request).await.unwrap() {
        TriggerReading::Records { ids, .. } => ids,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_of_our_org_names_its_records_and_is_acknowledged() {
    let bench = Bench::plain().await;
    let mut listener = Listener::answering(&[]).await;
    bench
        .org
        .set_flows(vec![Flow::outbound("Case", listener.url.clone())]);
    let id = bench.case(&json!({}));
    let trigger = listener.next().await.trigger();
    let TriggerReading::Records {
        ids,
        delivery,
        form,
        answer,
    } = bench.platform.read_trigger(&trigger).await.unwrap()
    else {
        panic!()
    };
    assert_eq!((ids, delivery, form), (vec![id], None, DeliveryForm::Xml));
    let accepted = answer.unwrap();
    assert_eq!(
        (accepted.status, accepted.media_type),
        (StatusCode::OK, "text/xml; charset=utf-8")
    );
    assert!(String::from_utf8_lossy(&accepted.body).contains("<Ack>true</Ack>"));
}

#[tokio::test]
async fn our_answer_ends_the_orgs_repetitions() {
    let bench = Bench::plain().await;
    let mut listener = Listener::answering(&[]).await;
    bench
        .org
        .set_flows(vec![Flow::outbound("Case", listener.url.clone())]);
    bench.case(&json!({}));
    let trigger = listener.next().await.trigger();
    let TriggerReading::Records { answer, .. } =
        bench.platform.read_trigger(&trigger).await.unwrap()
    else {
        panic!()
    };
    let text = String::from_utf8(answer.unwrap().body.to_vec()).unwrap();
    let mut second = Listener::answering(&[
        (200, "not acknowledged"),
        (200, Box::leak(text.into_boxed_str())),
    ])
    .await;
    bench
        .org
        .set_flows(vec![Flow::outbound("Case", second.url.clone())]);
    let id = bench.case(&json!({}));
    second.next().await;
    second.next().await;
    // A third would come at once, for this org does not wait between attempts.
    while bench.org.deliveries_under_way() > 0 {
        tokio::task::yield_now().await;
    }
    bench
        .org
        .change("Case", id.as_str(), &json!({"Subject": "changed"}))
        .unwrap();
    let trigger = second.next().await.trigger();
    assert_eq!(ids(&bench, &trigger).await, [id]);
}

#[tokio::test]
async fn a_comment_leads_to_its_case() {
    let bench = Bench::plain().await;
    let mut listener = Listener::answering(&[]).await;
    let flow = |fields: &[&str]| Flow {
        action: FlowAction::OutboundMessage {
            url: listener.url.clone(),
            fields: fields.iter().map(ToString::to_string).collect(),
            sends_session: true,
        },
        ..Flow::outbound("CaseComment", "")
    };
    let flows = [flow(&["Id", "ParentId"]), flow(&["Id"])];
    let id = bench.case(&json!({}));
    let comment = json!({"ParentId": id.as_str(), "CommentBody": "x"});
    bench.org.set_flows(vec![flows[0].clone()]);
    bench.org.enter("CaseComment", &comment).unwrap();
    let trigger = listener.next().await.trigger();
    assert_eq!(ids(&bench, &trigger).await, [id]);
    // Without the parent's id there is nothing to read; the org is told that it need not send it again.
    bench.org.set_flows(vec![flows[1].clone()]);
    bench.org.enter("CaseComment", &comment).unwrap();
    let trigger = listener.next().await.trigger();
    let TriggerReading::Answer(answer) = bench.platform.read_trigger(&trigger).await.unwrap()
    else {
        panic!()
    };
    assert!(String::from_utf8_lossy(&answer.body).contains("<Ack>true</Ack>"));
}

#[tokio::test]
async fn a_message_of_another_org_is_refused() {
    let bench = Bench::plain().await;
    let Some(body) = sample("outbound-message-1.xml") else {
        return;
    };
    let refusal = bench
        .platform
        .read_trigger(&request(body.clone()))
        .await
        .unwrap_err();
    assert!(
        matches!(refusal, TriggerRefusal::Signature(_)),
        "{refusal:?}"
    );
    let Some(empty) = sample("outbound-message-2.xml") else {
        return;
    };
    let refusal = bench
        .platform
        .read_trigger(&request(empty))
        .await
        .unwrap_err();
    assert!(
        matches!(refusal, TriggerRefusal::Signature(_)),
        "{refusal:?}"
    );
    // The same message, for a connector of that org and object.
    let bench =
        Bench::with("organization_id = \"0123456789ABCDENNN\"\nobject_name = \"Lead2\"\n").await;
    assert_eq!(
        ids(&bench, &request(body)).await,
        [RecordId::new("1123456789ABCDEEAE")]
    );
    assert!(
        bench.lines().is_empty(),
        "the org's id is known without asking"
    );
}

#[tokio::test]
async fn hostile_xml_is_refused_without_an_acknowledgement() {
    let bench = Bench::plain().await;
    let organization = bench.org.organization();
    let message = |prolog: &str, id: &str| {
        format!(
            "{prolog}<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:x=\"http://www.w3.org/2001/XMLSchema-instance\"><e:Body><notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\"><OrganizationId>{organization}</OrganizationId><Notification><Id>04l</Id><sObject x:type=\"sf:Case\"><Id>{id}</Id></sObject></Notification></notifications></e:Body></e:Envelope>"
        )
    };
    assert_eq!(
        ids(&bench, &request(message("", "5003000000D8cuI"))).await,
        [RecordId::new("5003000000D8cuIAAR")]
    );
    for body in [
        message(
            "<!DOCTYPE x [<!ENTITY id SYSTEM \"file:///etc/hostname\">]>",
            "&id;",
        ),
        message("<!DOCTYPE x [<!ENTITY id \"5003000000D8cuI\">]>", "&id;"),
        message(
            "<!DOCTYPE x SYSTEM \"http://127.0.0.1/x\">",
            "5003000000D8cuI",
        ),
        message("", "&id;"),
        message("", "5003000000D8c'I"),
        message("", ""),
        "<".to_owned(),
        "<html></html>".to_owned(),
    ] {
        let refusal = bench
            .platform
            .read_trigger(&request(body.clone()))
            .await
            .unwrap_err();
        assert!(
            matches!(refusal, TriggerRefusal::NoRecord(_)),
            "{body}: {refusal:?}"
        );
    }
}

#[tokio::test]
async fn while_the_org_is_unknown_a_message_is_put_off_and_not_lost() {
    let bench = Bench::open(
        super::bench::org(),
        &super::bench::CLIENT.replace("consumer-secret", "secret"),
    )
    .await;
    let mut listener = Listener::answering(&[]).await;
    bench
        .org
        .set_flows(vec![Flow::outbound("Case", listener.url.clone())]);
    bench.case(&json!({}));
    let trigger = listener.next().await.trigger();
    let refusal = bench.platform.read_trigger(&trigger).await.unwrap_err();
    assert!(matches!(refusal, TriggerRefusal::NotNow(_)), "{refusal:?}");
    assert!(refusal.to_string().contains("organization_id"));
}

#[tokio::test]
async fn a_callout_must_carry_the_secret_where_one_is_set() {
    let bench = Bench::with("trigger_secret = \"not-a-real-trigger-secret\"\n").await;
    let mut listener = Listener::answering(&[]).await;
    let callout = |headers: Vec<(String, String)>| Flow {
        action: FlowAction::Callout {
            url: listener.url.clone(),
            body: "{\"caseId\":\"{!$Record.Id}\"}".to_owned(),
            headers,
        },
        ..Flow::outbound("Case", "")
    };
    let flows = [
        callout(Vec::new()),
        callout(vec![(
            "X-Fieldbridge-Secret".to_owned(),
            "not-a-real-trigger-secret".to_owned(),
        )]),
        callout(vec![(
            "Authorization".to_owned(),
            "Basic eDpub3QtYS1yZWFsLXRyaWdnZXItc2VjcmV0".to_owned(),
        )]),
    ];
    let [without, header, basic] = flows;
    bench.org.set_flows(vec![without]);
    bench.case(&json!({}));
    let trigger = listener.next().await.trigger();
    let refusal = bench.platform.read_trigger(&trigger).await.unwrap_err();
    assert!(
        matches!(refusal, TriggerRefusal::Signature(_)),
        "{refusal:?}"
    );
    for flow in [header, basic] {
        bench.org.set_flows(vec![flow]);
        let id = bench.case(&json!({}));
        let trigger = listener.next().await.trigger();
        assert_eq!(ids(&bench, &trigger).await, [id]);
    }
}
