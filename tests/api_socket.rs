//! Client and server of the control API over a real socket, with a stand-in for the engine.

#[path = "support/fake_engine.rs"]
mod fake_engine;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fake_engine::{FakeEngine, connector, dead, moment};
use fieldbridge::api::{
    Access, Change, Client, ClientError, Role, Server, ServerError, ServerSetup, Update,
    UpdateBody, apply,
};
use fieldbridge::config::Roles;
use fieldbridge::engine::{
    Control, ControlError, DescriptionRequest, Extent, MakeConnector, Replay,
};
use fieldbridge::model::{
    ConnectorId, Direction, ManualClock, PayloadKind, RecordId, State, TransactionId,
};
use fieldbridge::store::{ListQuery, PersonMove};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use uuid::Uuid;

struct House {
    engine: Arc<FakeEngine>,
    server: Server,
    socket: PathBuf,
    _directory: TempDir,
}

async fn house() -> House {
    house_with(Roles::default()).await
}

async fn house_with(roles: Roles) -> House {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("data").join("control.sock");
    let engine = FakeEngine::new();
    let server = serve(&engine, &socket, roles).await.unwrap();
    House {
        engine,
        server,
        socket,
        _directory: directory,
    }
}

async fn serve(
    engine: &Arc<FakeEngine>,
    socket: &Path,
    roles: Roles,
) -> Result<Server, ServerError> {
    Server::start(ServerSetup {
        control: Arc::clone(engine) as Arc<dyn Control>,
        socket: socket.to_owned(),
        roles,
        name: "test".to_owned(),
        clock: Arc::new(ManualClock::at(moment(77))),
    })
    .await
}

fn cw() -> ConnectorId {
    ConnectorId::new("cw-main").unwrap()
}

fn me(client: &Client) -> String {
    client.hello().user.clone()
}

#[tokio::test]
async fn the_engines_own_user_is_greeted_as_admin() {
    let house = house().await;
    let client = Client::connect(&house.socket).await.unwrap();
    let hello = client.hello();
    assert_eq!(hello.role, Role::Admin);
    assert_eq!(hello.name, "test");
    assert_eq!(hello.pid, std::process::id());
    assert!(!hello.user.is_empty());
}

#[tokio::test]
async fn without_an_engine_the_client_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("control.sock");
    let error = Client::connect(&socket).await.unwrap_err();
    assert!(matches!(error, ClientError::NotRunning(_)), "{error}");
    // A socket that nobody listens at any more is no engine either.
    drop(UnixListener::bind(&socket).unwrap());
    let error = Client::connect(&socket).await.unwrap_err();
    assert!(matches!(error, ClientError::NotRunning(_)), "{error}");
}

#[tokio::test]
async fn the_socket_is_private_until_roles_name_others() {
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let house = house().await;
    let directory = house.socket.parent().unwrap();
    assert_eq!(mode(&house.socket), 0o600);
    assert_eq!(mode(directory), 0o700);
    let roles = Roles {
        viewer: vec!["@operators".to_owned()],
        ..Roles::default()
    };
    house.server.set_roles(roles).unwrap();
    assert_eq!(mode(&house.socket), 0o666);
    assert_eq!(mode(directory), 0o711);
    house.server.set_roles(Roles::default()).unwrap();
    assert_eq!(mode(&house.socket), 0o600);
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced_and_one_in_use_is_not() {
    let house = house().await;
    let second = serve(&house.engine, &house.socket, Roles::default()).await;
    assert!(matches!(second.err(), Some(ServerError::InUse(_))));
    house.server.stop().await;
    assert!(!house.socket.exists());

    drop(UnixListener::bind(&house.socket).unwrap());
    assert!(house.socket.exists());
    let server = serve(&house.engine, &house.socket, Roles::default())
        .await
        .unwrap();
    Client::connect(&house.socket).await.unwrap();
    server.stop().await;

    std::fs::write(&house.socket, "a file").unwrap();
    let in_the_way = serve(&house.engine, &house.socket, Roles::default()).await;
    assert!(matches!(in_the_way.err(), Some(ServerError::InTheWay(_))));
    assert_eq!(std::fs::read(&house.socket).unwrap(), b"a file");
}

#[tokio::test]
async fn questions_reach_the_engine_and_answers_come_back() {
    let house = house().await;
    let client = Client::connect(&house.socket).await.unwrap();
    assert_eq!(
        client.overview().await.unwrap(),
        *house.engine.overview.lock().unwrap()
    );
    let query = ListQuery {
        states: vec![State::Dead],
        limit: 1,
        ..ListQuery::default()
    };
    let page = client.list(&query).await.unwrap();
    assert_eq!(page.items, vec![dead(2)]);
    let rest = ListQuery {
        after: page.next,
        ..query
    };
    let page = client.list(&rest).await.unwrap();
    assert_eq!((page.items, page.next), (vec![dead(1)], None));

    let id = TransactionId::from_u128(1);
    let detail = client.transaction(id).await.unwrap();
    assert_eq!(detail.transaction, dead(1));
    let source = client.payload(id, PayloadKind::Source).await.unwrap();
    assert_eq!(source.unwrap(), "{\"summary\":\"hi\"}");
    assert_eq!(client.payload(id, PayloadKind::Sent).await.unwrap(), None);
    let fields = client.fields(&cw(), Direction::Inbound).await.unwrap();
    assert_eq!(fields.unwrap().fields[0].path, "title");
    let fields = client.fields(&cw(), Direction::Outbound).await.unwrap();
    assert!(fields.is_none());
    assert!(client.probe(&cw()).await.unwrap().is_good());
    assert!(client.metrics().await.unwrap().contains("done_total 3"));
    assert_eq!(client.audit(10, None).await.unwrap().items[0].by, "maria");
}

#[tokio::test]
async fn a_connector_is_made_of_a_description_in_the_persons_name() {
    let house = house().await;
    let client = Client::connect(&house.socket).await.unwrap();
    let mut request = DescriptionRequest {
        file: "desk.yaml".to_owned(),
        ..DescriptionRequest::default()
    };
    let offer = client.describe(&request).await.unwrap();
    assert_eq!(offer.title, "The API of desk.yaml");
    "missing.yaml".clone_into(&mut request.file);
    let missing = client.describe(&request).await.unwrap_err();
    assert!(
        matches!(missing, ClientError::Control(ControlError::NotFound(_))),
        "{missing}"
    );
    let mut make = MakeConnector {
        connector: ConnectorId::new("rest-new").unwrap(),
        file: "desk.yaml".to_owned(),
        choice: offer.choice,
        extent: Extent::DryRun,
    };
    let made = client.make_connector(&make).await.unwrap();
    assert_eq!(made.missing_secrets, ["rest-new-token"]);
    make.extent = Extent::Write;
    client.make_connector(&make).await.unwrap();
    // One that only looks may ask what would be, and no more.
    let looking = client.clone().with_access(Access::ReadOnly);
    looking.make_connector(&make).await.unwrap_err();
    make.extent = Extent::DryRun;
    looking.make_connector(&make).await.unwrap();
    let me = me(&client);
    assert_eq!(
        *house.engine.deeds.lock().unwrap(),
        [
            "reads desk.yaml".to_owned(),
            format!("{me} makes rest-new (DryRun)"),
            format!("{me} makes rest-new (Write)"),
            format!("{me} makes rest-new (DryRun)"),
        ]
    );
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let house = house().await;
    let client = Client::connect(&house.socket).await.unwrap();
    let id = TransactionId::from_u128(404);
    let error = client.transaction(id).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Control(ControlError::NotFound(_))),
        "{error}"
    );
    let nowhere = ConnectorId::new("nowhere").unwrap();
    let error = client.pause(&nowhere).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no connector nowhere");
}

#[tokio::test]
async fn a_command_carries_its_id_its_revision_and_the_sockets_user() {
    let house = house().await;
    let client = Client::connect(&house.socket).await.unwrap();
    let id = TransactionId::from_u128(1);
    let command = Uuid::now_v7();
    let action = PersonMove::Discard {
        reason: "a test".to_owned(),
    };
    let first = client.command(id, action.clone(), Some(3), command).await;
    let again = client.command(id, action.clone(), Some(3), command).await;
    assert_eq!(first.unwrap(), again.unwrap());
    let commands = house.engine.commands.lock().unwrap().clone();
    assert_eq!(commands.len(), 2);
    for seen in commands {
        assert_eq!(seen.id, command);
        assert_eq!(seen.by, me(&client));
        assert_eq!(seen.at, moment(77));
        assert_eq!(seen.action, action);
    }
    let stale = client
        .command(id, PersonMove::Restore, Some(3), Uuid::now_v7())
        .await
        .unwrap_err();
    assert!(
        matches!(stale, ClientError::Control(ControlError::Stale(_))),
        "{stale}"
    );
}

#[tokio::test]
async fn deeds_are_done_under_the_sockets_user() {
    let house = house().await;
    let client = Client::connect(&house.socket).await.unwrap();
    let id = TransactionId::from_u128(1);
    let command = Uuid::from_u128(1);
    assert_eq!(client.pause(&cw()).await.unwrap(), 12);
    assert_eq!(client.resume(&cw()).await.unwrap(), 12);
    client.trigger(&cw(), &RecordId::new("4/8")).await.unwrap();
    client.unsubscribe(&cw(), "a/b c").await.unwrap();
    client
        .replay(id, Replay::Remap, None, command)
        .await
        .unwrap();
    let secret = Some("not-a-real-secret".into());
    client.set_secret("cw/key ü", secret).await.unwrap();
    assert_eq!(client.secret_names().await.unwrap(), ["cw/key ü"]);
    client.set_secret("cw/key ü", None).await.unwrap();
    client.stop().await.unwrap();
    let me = me(&client);
    let expected = [
        format!("{me} pauses cw-main"),
        format!("{me} resumes cw-main"),
        format!("{me} triggers cw-main 4/8"),
        format!("{me} unsubscribes cw-main a/b c"),
        format!("{me} replays Remap None {command}"),
        format!("{me} keeps cw/key ü"),
        format!("{me} forgets cw/key ü"),
        format!("{me} stops the engine"),
    ];
    assert_eq!(*house.engine.deeds.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_read_only_client_looks_and_does_not_touch() {
    let house = house().await;
    let client = Client::connect(&house.socket).await.unwrap();
    let client = client.with_access(Access::ReadOnly);
    client.overview().await.unwrap();
    let query = ListQuery {
        limit: 5,
        ..ListQuery::default()
    };
    client.list(&query).await.unwrap();
    let error = client.pause(&cw()).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Control(ControlError::Refused(_))),
        "{error}"
    );
    client.unsubscribe(&cw(), "7").await.unwrap_err();
    assert!(house.engine.deeds.lock().unwrap().is_empty());
}

fn is_snapshot(update: &Update) -> bool {
    matches!(update.body, UpdateBody::Snapshot(_))
}

#[tokio::test]
async fn updates_begin_with_a_snapshot_and_go_on_in_deltas_that_lead_to_the_truth() {
    let house = house().await;
    let client = Client::connect(&house.socket).await.unwrap();
    let mut updates = client.updates().await.unwrap();
    let first = updates.next().await.unwrap();
    let UpdateBody::Snapshot(overview) = first.body else {
        panic!("{first:?}");
    };
    let mut picture = *overview;
    house.engine.change(|overview| {
        overview.engine.now = moment(20);
        overview.connectors = vec![connector("aa"), connector("fd-support")];
        overview.failed = vec![dead(3), dead(2)];
    });
    let update = updates.next().await.unwrap();
    assert_eq!(update.sequence, first.sequence + 1);
    let UpdateBody::Delta(changes) = update.body else {
        panic!("{update:?}");
    };
    // What did not change is not sent.
    let sent: Vec<_> = changes
        .iter()
        .map(|change| match change {
            Change::Failed { changed, .. } => changed.len(),
            Change::Connectors { changed, removed } => changed.len() + removed.len(),
            Change::Now(_) => 0,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sent, [0, 2, 1]);
    apply(&mut picture, changes);
    assert_eq!(picture, *house.engine.overview.lock().unwrap());
}

#[tokio::test]
async fn many_changes_at_once_are_few_looks() {
    let house = house().await;
    let client = Client::connect(&house.socket).await.unwrap();
    let mut updates = client.updates().await.unwrap();
    updates.next().await.unwrap();
    for depth in 1..=1000 {
        house
            .engine
            .change(|overview| overview.queues[0].depth = depth);
    }
    loop {
        let update = updates.next().await.unwrap();
        let UpdateBody::Delta(changes) = update.body else {
            panic!("{update:?}");
        };
        let arrived = changes
            .iter()
            .any(|change| matches!(change, Change::Queues(queues) if queues[0].depth == 1000));
        if arrived {
            break;
        }
    }
    assert!(*house.engine.looks.lock().unwrap() <= 4);
}

#[tokio::test]
async fn while_nobody_listens_nobody_looks() {
    let house = house().await;
    let client = Client::connect(&house.socket).await.unwrap();
    house.engine.change(|overview| overview.engine.workers = 5);
    // A whole exchange with the server gives its tasks the time to do what they should not do.
    client.secret_names().await.unwrap();
    assert_eq!(*house.engine.looks.lock().unwrap(), 0);
    let mut updates = client.updates().await.unwrap();
    let snapshot = updates.next().await.unwrap();
    assert!(is_snapshot(&snapshot));
    assert_eq!(*house.engine.looks.lock().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_lags_gets_a_fresh_snapshot() {
    let house = house().await;
    let slow_client = Client::connect(&house.socket).await.unwrap();
    let mut slow = slow_client.updates().await.unwrap();
    assert!(is_snapshot(&slow.next().await.unwrap()));
    let client = Client::connect(&house.socket).await.unwrap();
    let mut attentive = client.updates().await.unwrap();
    attentive.next().await.unwrap();
    // More than any socket buffer and more updates than are kept for a listener.
    let padding = "x".repeat(400_000);
    for round in 0_u32..40 {
        house.engine.change(|overview| {
            overview.engine.name = format!("{round}{padding}");
        });
        let update = attentive.next().await.unwrap();
        assert!(!is_snapshot(&update), "the attentive one needs no snapshot");
    }
    let mut snapshots = 0;
    loop {
        let update = slow.next().await.unwrap();
        let name = match update.body {
            UpdateBody::Snapshot(overview) => {
                snapshots += 1;
                Some(overview.engine.name)
            }
            UpdateBody::Delta(changes) => changes.into_iter().find_map(|change| match change {
                Change::Engine(engine) => Some(engine.name),
                _ => None,
            }),
        };
        if name.is_some_and(|name| name.starts_with("39x")) {
            break;
        }
    }
    assert!(snapshots >= 1);
}

#[tokio::test]
async fn the_end_of_the_server_is_told_to_those_who_listen() {
    let house = house().await;
    let client = Client::connect(&house.socket).await.unwrap();
    let mut updates = client.updates().await.unwrap();
    updates.next().await.unwrap();
    let stopped = tokio::spawn(house.server.stop());
    let error = updates.next().await.unwrap_err();
    assert!(matches!(error, ClientError::Lost(_)), "{error}");
    stopped.await.unwrap();
    let error = client.overview().await.unwrap_err();
    assert!(matches!(error, ClientError::NotRunning(_)), "{error}");
}

/// An engine of another version: it answers any request with this body.
fn another_version(socket: &Path, body: &'static str) {
    let listener = UnixListener::bind(socket).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _read = stream.read(&mut request).await.unwrap();
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
}

#[tokio::test]
async fn versions_are_compared_at_the_greeting() {
    let directory = tempfile::tempdir().unwrap();
    let old = directory.path().join("old.sock");
    another_version(&old, r#"{"protocol":0,"version":"0.0.9","pid":4711}"#);
    let error = Client::connect(&old).await.unwrap_err();
    assert!(matches!(error, ClientError::Version(_)), "{error}");
    assert!(
        error
            .to_string()
            .contains("restart the engine (process 4711)")
    );
    let new = directory.path().join("new.sock");
    another_version(&new, r#"{"protocol":99,"version":"9.0.0"}"#);
    let error = Client::connect(&new).await.unwrap_err();
    assert!(
        error.to_string().contains("this program is older"),
        "{error}"
    );
}

/// What a server answers to a raw request.
async fn raw(socket: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_client_of_another_version_is_refused_after_the_greeting() {
    let house = house().await;
    let ask = |path: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nhost: engine\r\nx-fieldbridge-protocol: 99\r\nconnection: close\r\n\r\n"
        )
    };
    let answer = raw(&house.socket, &ask("/hello")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = raw(&house.socket, &ask("/v1/overview")).await;
    assert!(answer.starts_with("HTTP/1.1 426"), "{answer}");
}

#[tokio::test]
async fn whatever_is_wrong_is_answered_in_one_form() {
    let house = house().await;
    let post = |path: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: engine\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    for (path, body, status, error) in [
        ("/v1/nothing", "", "404", "not_found"),
        ("/v1/transactions/list", "{", "403", "refused"),
        ("/v1/transactions/xyz/commands", "{}", "403", "refused"),
        ("/v1/connectors/NO%20SLUG/pause", "null", "404", "not_found"),
    ] {
        let answer = raw(&house.socket, &post(path, body)).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert!(
            answer.contains(&format!("{{\"error\":\"{error}\"")),
            "{answer}"
        );
    }
}
