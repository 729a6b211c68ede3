//! Subscriptions, and triggers as the stand-in sends them.

use fieldbridge::model::{Category, DeliveryKey};
use fieldbridge::platform::{
    DeliveryForm, Standing, SubscriptionPlan, TriggerReading, TriggerRefusal,
};
use fieldbridge::sandbox::{
    AutotaskSettings, Deliveries, Fault, FaultKind, NotePublish, WebhookBody,
};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::json;

use crate::samples::sample;
use crate::sandbox_support::{Received, Subscriber};
use crate::stage::{Stage, Wanted, id, trigger};

const SECRET: &str = "webhook_secret = \"not-a-real-webhook-secret\"\n";

async fn listening(subscriber: &Subscriber, top: &str, body: WebhookBody) -> Stage {
    let settings = AutotaskSettings {
        deliveries: Deliveries::Paced(0.0),
        webhook_body: body,
        ..AutotaskSettings::default()
    };
    let stage = Stage::with(
        Wanted {
            top,
            settings: SECRET,
        },
        settings,
    )
    .await;
    let made = stage
        .platform
        .subscribe(&stage.call, &subscriber.url)
        .await
        .unwrap();
    assert_eq!(made.standing, Standing::Alive);
    stage
}

fn as_trigger(received: &Received) -> fieldbridge::platform::TriggerRequest {
    let mut headers = HeaderMap::new();
    for name in ["x-hook-signature", "content-type", "authorization"] {
        if let Ok(value) = HeaderValue::from_str(received.header(name)) {
            headers.insert(name, value);
        }
    }
    trigger(headers, &[], received.body.clone())
}

#[tokio::test]
async fn a_subscription_is_made_whole_and_only_once() {
    let stage = Stage::with(
        Wanted { top: "notification_email_addresses = [\"ops@example.com\"]\n[features]\nmessages = \"both\"\n", settings: SECRET },
        AutotaskSettings::default(),
    )
    .await;
    assert!(stage.platform.capabilities().subscriptions);
    let SubscriptionPlan::ByApi(plan) = stage.platform.subscription_plan("http://127.0.0.1:9/hook")
    else {
        panic!("webhooks are made by us");
    };
    assert!(plan.contains("notes"), "{plan}");
    for _ in 0..2 {
        let made = stage
            .platform
            .subscribe(&stage.call, "http://127.0.0.1:9/hook")
            .await
            .unwrap();
        assert!(made.id.starts_with("TicketWebhooks/"), "{}", made.id);
    }
    let hooks = stage.autotask.objects("TicketWebhooks");
    assert_eq!(hooks.len(), 1);
    assert_eq!(hooks[0]["name"], "Fieldbridge at-main");
    assert_eq!(hooks[0]["notificationEmailAddress"], "ops@example.com");
    assert_eq!(hooks[0]["isReady"], true);
    assert_eq!(stage.autotask.objects("TicketWebhookFields").len(), 9);
    assert_eq!(
        stage.autotask.objects("TicketWebhookExcludedResources")[0]["resourceID"],
        stage.autotask.api_resource()
    );
    assert_eq!(stage.autotask.objects("TicketNoteWebhooks").len(), 1);
    assert_eq!(
        stage
            .autotask
            .objects("TicketNoteWebhookExcludedResources")
            .len(),
        1
    );
    let listed = stage
        .platform
        .subscriptions(&stage.call, "http://127.0.0.1:9/hook")
        .await
        .unwrap();
    assert_eq!(listed.len(), 2);
    assert!(
        stage
            .platform
            .subscriptions(&stage.call, "http://127.0.0.1:9/other")
            .await
            .unwrap()
            .is_empty()
    );
    for subscription in &listed {
        stage
            .platform
            .unsubscribe(&stage.call, &subscription.id)
            .await
            .unwrap();
        stage
            .platform
            .unsubscribe(&stage.call, &subscription.id)
            .await
            .unwrap();
    }
    assert!(stage.autotask.objects("TicketWebhooks").is_empty());
    assert_eq!(
        stage
            .platform
            .unsubscribe(&stage.call, "Companies/1")
            .await
            .unwrap_err()
            .category,
        Category::Validation
    );
}

#[tokio::test]
async fn an_interrupted_registration_is_finished_by_the_next() {
    let stage = Stage::set(SECRET).await;
    stage
        .autotask
        .faults()
        .push(Fault::times(FaultKind::ServerError { status: 503 }, 1).on(&Method::POST, "/Fields"));
    assert!(
        stage
            .platform
            .subscribe(&stage.call, "http://127.0.0.1:9/hook")
            .await
            .is_err()
    );
    let listed = stage
        .platform
        .subscriptions(&stage.call, "http://127.0.0.1:9/hook")
        .await
        .unwrap();
    assert_eq!(
        listed[0].standing,
        Standing::Disabled,
        "not ready, so the engine subscribes again"
    );
    let made = stage
        .platform
        .subscribe(&stage.call, "http://127.0.0.1:9/hook")
        .await
        .unwrap();
    assert_eq!(
        (made.standing, made.id),
        (Standing::Alive, listed[0].id.clone())
    );
    assert_eq!(stage.autotask.objects("TicketWebhooks").len(), 1);
}

#[tokio::test]
async fn user_defined_fields_are_reported_too_and_unknown_ones_alone_are_refused() {
    let stage = Stage::set(&format!(
        "{SECRET}webhook_fields = [\"status\", \"Site Code\"]\n"
    ))
    .await;
    stage
        .platform
        .subscribe(&stage.call, "http://127.0.0.1:9/hook")
        .await
        .unwrap();
    assert_eq!(stage.autotask.objects("TicketWebhookFields").len(), 1);
    assert_eq!(stage.autotask.objects("TicketWebhookUdfFields").len(), 1);
    let wanted = Wanted {
        top: "",
        settings: "webhook_secret = \"not-a-real-webhook-secret\"\nwebhook_fields = [\"colour\"]\n",
    };
    let other = stage.another(wanted);
    let failure = other
        .subscribe(&stage.call, "http://127.0.0.1:9/second")
        .await
        .unwrap_err();
    assert!(failure.cause.contains("colour"), "{}", failure.cause);
}

#[tokio::test]
async fn a_webhook_of_the_stand_in_is_a_trigger() {
    for body in [WebhookBody::Escaped, WebhookBody::Plain] {
        let mut subscriber = Subscriber::answering(&[]).await;
        let stage = listening(&subscriber, "", body).await;
        let ticket = stage
            .autotask
            .open_ticket(&json!({"title": "R&D \"lab\" é <x>"}))
            .unwrap();
        let event = subscriber.next().await;
        let told = event.json();
        match stage
            .platform
            .read_trigger(&as_trigger(&event))
            .await
            .unwrap()
        {
            TriggerReading::Records {
                ids,
                delivery,
                form,
                ..
            } => {
                assert_eq!((ids, form), (vec![id(ticket)], DeliveryForm::Json));
                let key = format!(
                    "{}:{ticket}:{}",
                    told["Guid"].as_str().unwrap(),
                    told["SequenceNumber"]
                );
                assert_eq!(delivery, Some(DeliveryKey::new(key)));
            }
            other => panic!("{other:?}"),
        }
        let mut forged = as_trigger(&event);
        forged.body = String::from_utf8(event.body.clone())
            .unwrap()
            .replace("Create", "Update")
            .into();
        let refusal = stage.platform.read_trigger(&forged).await.unwrap_err();
        assert!(
            matches!(refusal, TriggerRefusal::Signature(_)),
            "{refusal:?}"
        );
        forged.headers.remove("x-hook-signature");
        assert!(stage.platform.read_trigger(&forged).await.is_err());
    }
}

#[tokio::test]
async fn our_own_changes_do_not_come_back() {
    let mut subscriber = Subscriber::answering(&[]).await;
    let stage = listening(
        &subscriber,
        "[features]\nmessages = \"both\"\n",
        WebhookBody::Escaped,
    )
    .await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    subscriber.next().await;
    let base = stage.fetch(ticket).await.unwrap();
    let changes = crate::stage::map(json!({"status": 5, "internalNote": "ours"}));
    stage
        .platform
        .update(&stage.call, &base, &changes)
        .await
        .unwrap();
    stage.autotask.set_status(ticket, 42).unwrap();
    let event = subscriber.next().await;
    assert_eq!(
        event.json()["PersonID"],
        10,
        "the first that comes is the dispatcher's"
    );
}

#[tokio::test]
async fn a_notes_webhook_leads_to_its_ticket() {
    let mut subscriber = Subscriber::answering(&[]).await;
    let stage = listening(
        &subscriber,
        "[features]\nmessages = \"inbound\"\n",
        WebhookBody::Escaped,
    )
    .await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    subscriber.next().await;
    let note = stage
        .autotask
        .add_note(ticket, "Please call first", NotePublish::All)
        .unwrap();
    let event = subscriber.next().await;
    assert_eq!(
        (
            event.json()["EntityType"].clone(),
            event.json()["Id"].clone()
        ),
        (json!("TicketNote"), json!(note))
    );
    let ids = |reading| match reading {
        TriggerReading::Records { ids, .. } => ids,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        ids(stage
            .platform
            .read_trigger(&as_trigger(&event))
            .await
            .unwrap()),
        [id(ticket)]
    );
    // A webhook that shows no fields: the note is looked up.
    let open = stage.another(Wanted::default());
    let bare = json!({"Action": "Create", "Guid": "g", "EntityType": "TicketNote", "Id": note, "Fields": {}, "SequenceNumber": 1});
    let request = trigger(HeaderMap::new(), &[], bare.to_string());
    assert_eq!(
        ids(open.read_trigger(&request).await.unwrap()),
        [id(ticket)]
    );
    let unknown = json!({"Action": "Create", "Guid": "g", "EntityType": "TicketNote", "Id": 1, "SequenceNumber": 2});
    let request = trigger(HeaderMap::new(), &[], unknown.to_string());
    assert!(matches!(
        open.read_trigger(&request).await.unwrap(),
        TriggerReading::NotOurs { .. }
    ));
    stage.autotask.faults().push(
        Fault::once(FaultKind::ServerError { status: 503 }).on(&Method::GET, "/TicketNotes/"),
    );
    let request = trigger(HeaderMap::new(), &[], bare.to_string());
    assert!(
        matches!(
            open.read_trigger(&request).await,
            Err(TriggerRefusal::NotNow(_))
        ),
        "the vendor tries again"
    );
}

#[tokio::test]
async fn a_webhook_that_was_switched_off_is_seen_and_switched_on() {
    let mut subscriber = Subscriber::answering(&[]).await;
    let stage = listening(&subscriber, "", WebhookBody::Escaped).await;
    let hook = stage
        .platform
        .subscriptions(&stage.call, &subscriber.url)
        .await
        .unwrap()[0]
        .id
        .clone();
    stage.autotask.switch_webhook_off(&hook).await;
    let news = subscriber.next().await;
    match stage
        .platform
        .read_trigger(&as_trigger(&news))
        .await
        .unwrap()
    {
        TriggerReading::NotOurs { why } => {
            assert!(why.contains("switched our webhook off"), "{why}");
        }
        other => panic!("{other:?}"),
    }
    let mut unsigned = as_trigger(&news);
    unsigned.headers.remove("x-hook-signature");
    match stage.platform.read_trigger(&unsigned).await.unwrap() {
        TriggerReading::NotOurs { why } => assert!(why.contains("not believed"), "{why}"),
        other => panic!("{other:?}"),
    }
    let listed = stage
        .platform
        .subscriptions(&stage.call, &subscriber.url)
        .await
        .unwrap();
    assert_eq!(listed[0].standing, Standing::Disabled);
    let again = stage
        .platform
        .subscribe(&stage.call, &subscriber.url)
        .await
        .unwrap();
    assert_eq!((again.standing, again.id), (Standing::Alive, hook));
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    let event = subscriber.next().await;
    assert_eq!(event.json()["Id"], ticket);
    assert!(
        stage
            .platform
            .read_trigger(&as_trigger(&event))
            .await
            .is_ok(),
        "signed with the secret still"
    );
}

#[tokio::test]
async fn without_a_webhook_secret_an_extension_callout_is_explained_and_read() {
    let mut subscriber = Subscriber::answering(&[]).await;
    let settings = AutotaskSettings {
        deliveries: Deliveries::Paced(0.0),
        ..AutotaskSettings::default()
    };
    let wanted = Wanted {
        top: "",
        settings: "trigger_secret = \"not-a-real-password\"\ntrigger_on_status = \"Dispatch to Field\"\n",
    };
    let stage = Stage::with(wanted, settings).await;
    assert!(!stage.platform.capabilities().subscriptions);
    let SubscriptionPlan::ByHand(steps) = stage.platform.subscription_plan(&subscriber.url) else {
        panic!("the admin does it");
    };
    let told = steps.join("\n");
    for part in [
        subscriber.url.as_str(),
        "Name Value Pair",
        "status is Dispatch to Field",
        "trigger_secret",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(
        stage
            .platform
            .subscriptions(&stage.call, &subscriber.url)
            .await
            .unwrap()
            .is_empty()
    );
    let failure = stage
        .platform
        .subscribe(&stage.call, &subscriber.url)
        .await
        .unwrap_err();
    assert!(failure.hint.unwrap().contains("webhook_secret"));
    stage.autotask.set_callout(
        subscriber.url.clone(),
        Some(("anybody", "not-a-real-password")),
    );
    let ticket = stage.autotask.open_ticket(&json!({"status": 42})).unwrap();
    let event = subscriber.next().await;
    match stage
        .platform
        .read_trigger(&as_trigger(&event))
        .await
        .unwrap()
    {
        TriggerReading::Records {
            ids,
            delivery,
            form,
            ..
        } => {
            assert_eq!(
                (ids, delivery, form),
                (vec![id(ticket)], None, DeliveryForm::Form)
            );
        }
        other => panic!("{other:?}"),
    }
    let mut bare = as_trigger(&event);
    bare.headers.remove("authorization");
    assert!(matches!(
        stage.platform.read_trigger(&bare).await,
        Err(TriggerRefusal::Signature(_))
    ));
}

#[tokio::test]
async fn the_vendors_samples_are_triggers() {
    let stage = Stage::plain().await;
    for (name, form) in [
        ("extension-callout-ticket.txt", DeliveryForm::Form),
        ("webhook-ticket-update.constructed.json", DeliveryForm::Json),
    ] {
        let Some(body) = sample(name) else {
            return;
        };
        let request = trigger(HeaderMap::new(), &[], body);
        match stage.platform.read_trigger(&request).await.unwrap() {
            TriggerReading::Records {
                ids, form: told, ..
            } => assert_eq!((ids, told), (vec![id(7865)], form)),
            other => panic!("{other:?}"),
        }
    }
}
