//! Failure mails: gathered for a while and sent as one, so that a storm sends one mail.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::{ConnectorConfig, MailSettings, MailTls, Secrets};
use crate::model::{ConnectorId, Failure, Step, Transaction};

/// How many failures one mail lists; the others are counted.
const LISTED: usize = 25;

/// How many failures may wait to be written about. Beyond it they are only counted: the console has them all.
const WAITING: usize = 10_000;

/// Takes failures and sends mails about them. Without mail settings it takes them and does nothing.
#[derive(Clone)]
pub(crate) struct Notifier {
    sender: Option<mpsc::Sender<News>>,
}

struct News {
    connector: ConnectorId,
    name: String,
    to: Vec<String>,
    line: String,
}

impl Notifier {
    /// A notifier, and the task that sends its mails until told to stop (it sends what is gathered first).
    pub(crate) fn start(
        settings: Option<&MailSettings>,
        secrets: &Secrets,
        installation: String,
        stopping: CancellationToken,
    ) -> Result<(Self, Option<tokio::task::JoinHandle<()>>), String> {
        let Some(settings) = settings else {
            return Ok((Self { sender: None }, None));
        };
        let post = Post::new(settings, secrets, installation)?;
        let (sender, receiver) = mpsc::channel(WAITING);
        let batch = Duration::from_secs(settings.batch_seconds.max(1));
        let task = tokio::spawn(gather(post, receiver, batch, stopping));
        Ok((
            Self {
                sender: Some(sender),
            },
            Some(task),
        ))
    }

    /// A transaction went to the dead letter queue.
    pub(crate) fn died(
        &self,
        config: &ConnectorConfig,
        transaction: &Transaction,
        step: Step,
        failure: &Failure,
    ) {
        let label = transaction.label.as_deref().unwrap_or("(no title yet)");
        let record = transaction
            .record
            .as_ref()
            .map_or("?", |record| record.as_str());
        self.tell(
            config,
            format!(
                "{} record {record} \"{label}\" failed at {}\n    transaction {}\n",
                transaction.direction.word(),
                super::told(step, failure),
                transaction.id
            ),
        );
    }

    /// A connector was paused.
    pub(crate) fn paused(&self, config: &ConnectorConfig, failure: &Failure) {
        let hint = failure
            .hint
            .as_deref()
            .unwrap_or("Renew the credentials; the connector resumes by itself.");
        self.tell(
            config,
            format!(
                "the connector is paused, its transactions wait: {}\n    {hint}\n",
                failure.cause
            ),
        );
    }

    fn tell(&self, config: &ConnectorConfig, line: String) {
        let Some(sender) = &self.sender else { return };
        if config.notification_email_addresses.is_empty() {
            return;
        }
        let news = News {
            connector: config.id.clone(),
            name: config.name.clone(),
            to: config.notification_email_addresses.clone(),
            line,
        };
        if sender.try_send(news).is_err() {
            warn!(connector = %config.id, "too many failures wait to be mailed; this one is only in the console");
        }
    }
}

/// What is to be written about one connector.
#[derive(Default)]
struct Digest {
    name: String,
    to: Vec<String>,
    lines: Vec<String>,
    count: usize,
}

async fn gather(
    post: Post,
    mut receiver: mpsc::Receiver<News>,
    batch: Duration,
    stopping: CancellationToken,
) {
    loop {
        let first = tokio::select! {
            news = receiver.recv() => news,
            () = stopping.cancelled() => None,
        };
        let Some(first) = first else { return };
        let mut digests = BTreeMap::new();
        add(&mut digests, first);
        let end = tokio::time::sleep(batch);
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => break,
                () = stopping.cancelled() => break,
                news = receiver.recv() => match news {
                    Some(news) => add(&mut digests, news),
                    None => break,
                },
            }
        }
        while let Ok(news) = receiver.try_recv() {
            add(&mut digests, news);
        }
        for (connector, digest) in digests {
            post.send(&connector, &digest).await;
        }
    }
}

fn add(digests: &mut BTreeMap<ConnectorId, Digest>, news: News) {
    let digest = digests.entry(news.connector).or_default();
    digest.name = news.name;
    digest.to = news.to;
    digest.count += 1;
    if digest.lines.len() < LISTED {
        digest.lines.push(news.line);
    }
}

/// The way to the mail server.
struct Post {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    installation: String,
}

impl Post {
    fn new(
        settings: &MailSettings,
        secrets: &Secrets,
        installation: String,
    ) -> Result<Self, String> {
        let from = settings.from.parse().map_err(|error| {
            format!("mail.from `{}` is no mail address: {error}", settings.from)
        })?;
        let builder = match settings.tls {
            MailTls::Starttls => {
                AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&settings.host)
            }
            MailTls::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(&settings.host),
            MailTls::None => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(
                &settings.host,
            )),
        };
        let mut builder = builder
            .map_err(|error| format!("mail.host `{}` can't be used: {error}", settings.host))?
            .port(settings.port)
            .timeout(Some(Duration::from_secs(20)));
        if let (Some(user), Some(reference)) = (&settings.username, &settings.password) {
            let password: SecretString = secrets
                .resolve(reference)
                .map_err(|why| format!("mail.password: {why}"))?;
            builder = builder.credentials(Credentials::new(
                user.clone(),
                password.expose_secret().to_owned(),
            ));
        }
        Ok(Self {
            transport: builder.build(),
            from,
            installation,
        })
    }

    async fn send(&self, connector: &ConnectorId, digest: &Digest) {
        const TRIES: u32 = 3;
        let message = match self.message(connector, digest) {
            Ok(message) => message,
            Err(why) => return warn!(%connector, %why, "a failure mail can't be written"),
        };
        for attempt in 1..=TRIES {
            match self.transport.send(message.clone()).await {
                Ok(_) => {
                    return info!(%connector, failures = digest.count, "a failure mail was sent");
                }
                Err(error) if error.is_permanent() || attempt == TRIES => {
                    return warn!(%connector, %error, failures = digest.count, "a failure mail could not be sent");
                }
                Err(_) => tokio::time::sleep(Duration::from_secs(5 * u64::from(attempt))).await,
            }
        }
    }

    fn message(&self, connector: &ConnectorId, digest: &Digest) -> Result<Message, String> {
        let what = if digest.count == 1 {
            "1 failure".to_owned()
        } else {
            format!("{} failures", digest.count)
        };
        let mut text = format!(
            "{} ({connector}) on {}: {what}.\n\n",
            digest.name, self.installation
        );
        for line in &digest.lines {
            let _ = writeln!(text, "- {line}");
        }
        if digest.count > digest.lines.len() {
            let _ = writeln!(text, "and {} more.\n", digest.count - digest.lines.len());
        }
        let _ = writeln!(
            text,
            "Look: fieldbridge tx list --connector {connector} --state dead"
        );
        let mut builder = Message::builder()
            .from(self.from.clone())
            .subject(format!("[fieldbridge] {connector}: {what}"));
        let mut anyone = false;
        for address in &digest.to {
            match address.trim().parse::<Mailbox>() {
                Ok(mailbox) => {
                    builder = builder.to(mailbox);
                    anyone = true;
                }
                Err(error) => warn!(%connector, %address, %error, "this is no mail address"),
            }
        }
        if !anyone {
            return Err("no address is usable".into());
        }
        builder.body(text).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;
    use crate::model::Category;

    /// Speaks enough SMTP to take mails, and gives their texts to whoever waits.
    async fn mail_server() -> (u16, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, mails) = mpsc::channel(16);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, sender.clone()));
            }
        });
        (port, mails)
    }

    async fn talk(stream: tokio::net::TcpStream, mails: mpsc::Sender<String>) {
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        let mut mail: Option<String> = None;
        writer.write_all(b"220 test\r\n").await.unwrap();
        while let Ok(Some(line)) = lines.next_line().await {
            let answer: &[u8] = match &mut mail {
                Some(text) if line == "." => {
                    mails.send(std::mem::take(text)).await.unwrap();
                    mail = None;
                    b"250 kept\r\n"
                }
                Some(text) => {
                    text.push_str(&line);
                    text.push('\n');
                    continue;
                }
                None if line.starts_with("EHLO") => b"250 test\r\n",
                None if line == "DATA" => {
                    mail = Some(String::new());
                    b"354 go on\r\n"
                }
                None if line == "QUIT" => b"221 bye\r\n",
                None => b"250 ok\r\n",
            };
            writer.write_all(answer).await.unwrap();
        }
    }

    fn connector() -> ConnectorConfig {
        let text =
            "platform = \"freshdesk\"\nnotification_email_addresses = [\"ops@example.com\"]\n";
        ConnectorConfig::parse(Path::new("connectors/fd.toml"), text).unwrap()
    }

    #[tokio::test]
    async fn a_storm_of_failures_is_one_mail() {
        let (port, mut mails) = mail_server().await;
        let settings = MailSettings {
            host: "127.0.0.1".into(),
            port,
            tls: MailTls::None,
            username: None,
            password: None,
            from: "fieldbridge@example.com".into(),
            batch_seconds: 1,
        };
        let stopping = CancellationToken::new();
        let (notifier, _task) = Notifier::start(
            Some(&settings),
            &Secrets::default(),
            "test".into(),
            stopping,
        )
        .unwrap();
        let failure =
            Failure::new(Category::Authentication, "the key is refused").hint("Renew the key.");
        for _ in 0..40 {
            notifier.paused(&connector(), &failure);
        }
        let mail = mails.recv().await.unwrap();
        assert!(
            mail.contains("Subject: [fieldbridge] fd: 40 failures"),
            "{mail}"
        );
        assert!(mail.contains("To: ops@example.com"), "{mail}");
        assert!(mail.contains("Renew the key."), "{mail}");
        assert!(mail.contains("and 15 more"), "{mail}");
        assert!(mails.try_recv().is_err(), "one mail only");
    }

    #[tokio::test]
    async fn without_mail_settings_nothing_happens() {
        let (notifier, task) = Notifier::start(
            None,
            &Secrets::default(),
            "test".into(),
            CancellationToken::new(),
        )
        .unwrap();
        notifier.paused(&connector(), &Failure::new(Category::Network, "x"));
        assert!(task.is_none());
    }
}
