//! An adapter, driven through every verb of its contract.

use bytes::Bytes;
use fieldbridge::model::{
    Failure, FileContent, Marker, Note, NoteVisibility, RecordId, SideRecord, SideRecordKind,
    SideSource, Timestamp, WorkOrderId,
};
use fieldbridge::platform::Wish;
use fieldbridge::sandbox::ServiceDesk;
use serde_json::{Map, Value};

use super::stage::{Stage, listen};

/// What an adapter is driven with.
#[derive(Default)]
pub struct Subject {
    /// The fields of a new record.
    pub create: Value,
    /// What is changed on a record, one update each.
    pub updates: Vec<Value>,
    /// The side records, each as it is made first and as it is changed to.
    pub sides: Vec<(SideRecordKind, Value, Value)>,
    /// Side records that the stand-in does not take; what was asked of it is judged all the same.
    pub refused_sides: Vec<(SideRecordKind, Value)>,
}

impl<D: ServiceDesk> Stage<D> {
    /// Every verb there is, on a ticket and on a record that we make. The ticket's id.
    pub async fn every_verb(&self, subject: &Subject) -> RecordId {
        let record = self.read().await;
        self.write(&record, subject).await;
        self.create(subject).await;
        self.subscribe().await;
        record
    }

    /// All that only reads.
    async fn read(&self) -> RecordId {
        let (platform, call) = (&self.platform, &self.call);
        let able = platform.capabilities();
        let record = self.ticket();
        let probe = platform.probe(call).await;
        assert!(probe.is_good(), "{probe:#?}");
        platform.discover(call).await.unwrap();
        for wish in [
            Wish::default(),
            Wish {
                notes: able.read_notes,
                files: able.read_files,
            },
        ] {
            let read = platform.fetch(call, &record, wish).await.unwrap().unwrap();
            assert_eq!(read.notes.is_empty(), !wish.notes);
            assert_eq!(read.files.is_empty(), !wish.files);
            for file in &read.files {
                platform.download(call, &record, file).await.unwrap();
            }
        }
        if able.changed_since {
            self.list_changed(&record).await;
        }
        record
    }

    async fn list_changed(&self, record: &RecordId) {
        let since = self.clock.now().as_second() - 3_600;
        let since = Timestamp::from_second(since).unwrap();
        let mut page = None;
        let mut ids = Vec::new();
        loop {
            let changed = self.platform.changed_since(&self.call, since, page);
            let changed = changed.await.unwrap();
            ids.extend(changed.records.into_iter().map(|(id, _)| id));
            page = changed.next;
            if page.is_none() {
                break;
            }
        }
        assert!(ids.contains(record), "{ids:?} should hold {record}");
    }

    /// All that is written on a record that is there.
    async fn write(&self, record: &RecordId, subject: &Subject) {
        let (platform, call) = (&self.platform, &self.call);
        let able = platform.capabilities();
        for changes in &subject.updates {
            let base = platform.fetch(call, record, Wish::default());
            let base = base.await.unwrap().unwrap();
            let update = platform.update(call, &base, object(changes));
            update.await.unwrap();
        }
        if able.write_notes {
            for (text, visibility) in [
                ("On my way.", NoteVisibility::Public),
                ("Gate code needed.", NoteVisibility::Internal),
            ] {
                let note = Note {
                    id: String::new(),
                    text: text.to_owned(),
                    visibility,
                    author: None,
                    created_at: None,
                    by_us: true,
                };
                platform.add_note(call, record, &note).await.unwrap();
            }
        }
        if able.write_files {
            let file = FileContent {
                name: "after.png".to_owned(),
                media_type: "image/png".to_owned(),
                bytes: Bytes::from_static(b"\x89PNG\r\n\x1a\n done"),
            };
            platform.attach(call, record, &file).await.unwrap();
        }
        for kind in &able.side_records {
            let mut taken = subject.sides.iter().map(|(kind, ..)| kind);
            let mut refused = subject.refused_sides.iter().map(|(kind, _)| kind);
            let is_driven = taken.any(|known| known == kind) || refused.any(|known| known == kind);
            assert!(is_driven, "{kind:?} is not driven");
        }
        for (kind, made, changed) in &subject.sides {
            let id = self.put_side(record, *kind, made, None).await.unwrap();
            // Once more without its id, as after an answer that was lost.
            self.put_side(record, *kind, made, None).await.unwrap();
            let same = self.put_side(record, *kind, changed, Some(&id)).await;
            assert_eq!(same.unwrap(), id, "{kind:?}");
        }
        for (kind, fields) in &subject.refused_sides {
            let id = self.put_side(record, *kind, fields, None).await;
            assert!(id.is_err(), "{kind:?} was taken: {id:?}");
            let id = self.put_side(record, *kind, fields, Some("1")).await;
            assert!(id.is_err(), "{kind:?} was taken: {id:?}");
        }
    }

    async fn put_side(
        &self,
        record: &RecordId,
        kind: SideRecordKind,
        fields: &Value,
        existing: Option<&str>,
    ) -> Result<String, Failure> {
        let source = SideSource::Object("881".to_owned());
        let side = SideRecord::new(kind, fields.clone(), source);
        let platform = &self.platform;
        let put = platform.put_side_record(&self.call, record, &side, existing);
        put.await
    }

    async fn create(&self, subject: &Subject) {
        let (platform, call) = (&self.platform, &self.call);
        let marker = Marker::of_work_order(WorkOrderId(4711));
        platform
            .find(call, &marker, Timestamp::UNIX_EPOCH)
            .await
            .unwrap();
        let create = platform.create(call, object(&subject.create), &marker);
        create.await.unwrap();
        platform
            .find(call, &marker, Timestamp::UNIX_EPOCH)
            .await
            .unwrap();
    }

    async fn subscribe(&self) {
        let (platform, call) = (&self.platform, &self.call);
        if !platform.capabilities().subscriptions {
            return;
        }
        let url = listen(platform.clone()).await;
        platform.subscriptions(call, &url).await.unwrap();
        let made = platform.subscribe(call, &url).await.unwrap();
        let there = platform.subscriptions(call, &url).await.unwrap();
        assert!(there.iter().any(|one| one.id == made.id), "{there:?}");
        platform.subscribe(call, &url).await.unwrap();
        platform.unsubscribe(call, &made.id).await.unwrap();
    }
}

pub fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}
