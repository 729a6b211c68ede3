//! How long mapping one record takes: 30 declarative rules in this process, 30 fields of Jsonnet in a warm child.

use std::fmt::Write;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use fieldbridge::mapping::{Evaluate, Evaluator, Limits, Mapping, Required, WorkerProgram};
use fieldbridge::model::{Catalogue, Direction, Field, FieldKind, Timestamp};

/// The program's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A ticket of about the size that platforms send.
fn ticket() -> Value {
    json!({
        "id": 48213,
        "summary": "Replace the switch in the server room",
        "priority": {"id": 3, "name": "Priority 2 - High"},
        "status": {"id": 16, "name": "New (not responded)"},
        "board": {"id": 1, "name": "Help Desk"},
        "company": {"id": 250, "identifier": "ACME", "name": "Acme Corporation"},
        "site": {"id": 1, "name": "Main", "addressLine1": "123 Main St", "city": "San Francisco", "stateReference": "CA", "zip": "94102"},
        "contact": {"id": 77, "firstName": "Test", "lastName": "Person", "email": "test@example.com", "phone": "5550100"},
        "budgetHours": 2.5,
        "dateEntered": "2025-01-20T09:00:00Z",
        "requiredDate": "2025-01-25 18:05:00",
        "customFields": (1..=8).map(|id| json!({"id": id, "caption": format!("Field {id}"), "type": "Text", "value": format!("value {id}")})).collect::<Vec<_>>(),
    })
}

/// Thirty rules of every declarative action, in the proportions that mappings have them.
fn declarative() -> String {
    let mut text = String::new();
    let mut rule = |body: &str| writeln!(text, "[[inbound]]\n{body}").expect("a String takes it");
    for index in 0..12 {
        let source = ["summary", "company.name", "site.city", "contact.email"][index % 4];
        rule(&format!(
            "action = \"sync\"\nsource = \"{source}\"\ntarget = \"copied.field{index}\""
        ));
    }
    for index in 1..=4 {
        rule(&format!(
            "action = \"sync\"\nsource = 'customFields[caption=\"Field {index}\"].value'\ntarget = 'custom_fields[\"Field {index}\"]'"
        ));
    }
    for index in 0..4 {
        rule(&format!(
            "action = \"set_static\"\nvalue = \"fixed\"\ntarget = \"fixed.field{index}\""
        ));
    }
    for index in 0..3 {
        rule(&format!(
            "action = \"array_map\"\nsource = \"status.id\"\ntarget = \"status.field{index}\"\ndefault = \"1\"\nmappings = [{{ compare = \"1\", value = \"Open\" }}, {{ compare = \"5\", value = \"Closed\" }}, {{ compare = \"16\", value = \"New\" }}]"
        ));
    }
    for index in 0..2 {
        rule(&format!(
            "action = \"range_map\"\nsource = \"budgetHours\"\ntarget = \"effort.field{index}\"\nranges = [{{ compare = 1, value = \"short\" }}, {{ compare = 4, value = \"long\" }}]"
        ));
    }
    for index in 0..3 {
        rule(&format!(
            "action = \"date_convert\"\nsource = \"requiredDate\"\ntarget = \"dates.field{index}\"\ninput_format = \"YYYY-MM-DD HH:mm:ss\"\noutput_format = \"MM/DD/YYYY h:mm:ss A\"\ntimezone_out = \"America/New_York\""
        ));
    }
    for index in 0..2 {
        rule(&format!(
            "action = \"concat\"\ntarget = \"names.field{index}\"\nparts = [{{ type = \"field\", value = \"contact.firstName\" }}, {{ type = \"static\", value = \" \" }}, {{ type = \"field\", value = \"contact.lastName\" }}]"
        ));
    }
    text
}

/// One script that makes thirty fields.
fn script() -> String {
    let mut fields = String::new();
    for index in 0..10 {
        writeln!(fields, "  a{index}: t.summary + ' ({index})',\n  b{index}: $.util.lookup_field(t, 'site.city', ''),\n  c{index}: if t.budgetHours > {index} then 'long' else std.asciiUpper(t.status.name),")
            .expect("a String takes it");
    }
    format!(
        "[[inbound]]\naction = \"custom\"\nscript = '''\nlocal t = $.input;\n{{\n{fields}}}\n'''\n"
    )
}

/// Thirty rules with a small script each.
fn scripts() -> String {
    let rule = |index: usize| {
        format!(
            "[[inbound]]\naction = \"custom\"\ntarget = \"f{index}\"\nscript = \"$.input.summary + ' ({index})'\"\n"
        )
    };
    (0..30).map(rule).collect::<Vec<_>>().concat()
}

/// One script that makes thirty fields, six of them dates.
fn dates() -> String {
    let mut fields = String::new();
    for index in 0..6 {
        writeln!(fields, "  a{index}: t.summary + ' ({index})',\n  b{index}: $.util.lookup_field(t, 'site.city', ''),\n  c{index}: std.asciiUpper(t.status.name),\n  d{index}: $.util.date_convert(t.requiredDate, 'YYYY-MM-DD HH:mm:ss', '[{index}] MM/DD/YYYY h:mm A', 'UTC', 'America/New_York'),\n  e{index}: t.id + {index},")
            .expect("a String takes it");
    }
    format!(
        "[[inbound]]\naction = \"custom\"\nscript = '''\nlocal t = $.input;\n{{\n{fields}}}\n'''\n"
    )
}

fn request<'a>(input: &'a Value, target: Option<&'a Catalogue>) -> Evaluate<'a> {
    Evaluate {
        direction: Direction::Inbound,
        event: None,
        input,
        target,
        require: Required::None,
    }
}

fn mapping(bencher: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime starts");
    let limits = Limits {
        deadline: Duration::from_secs(10),
        preparation: Duration::from_secs(10),
        ..Limits::default()
    };
    let evaluator = Evaluator::new(limits, WorkerProgram::at(env!("CARGO_BIN_EXE_fieldbridge")));
    let ticket = ticket();
    let kinds = [FieldKind::Text, FieldKind::Integer, FieldKind::Any];
    let catalogue = Catalogue {
        fields: (0..300)
            .map(|index| Field::new(format!("other.field{index}"), "Other", kinds[index % 3]))
            .collect(),
        read_at: Timestamp::UNIX_EPOCH,
    };
    for (name, text, target) in [
        ("30 declarative rules", declarative(), None),
        (
            "30 declarative rules, 300 known fields",
            declarative(),
            Some(&catalogue),
        ),
        ("30 fields of one script, warm child", script(), None),
        (
            "30 fields of one script with dates, warm child",
            dates(),
            None,
        ),
        ("30 scripts, warm child", scripts(), None),
    ] {
        let mapping = Mapping::parse(&text, "bench.toml", None).expect("the mapping is read");
        let done = runtime.block_on(evaluator.evaluate(&mapping, request(&ticket, target)));
        assert_eq!(done.problems, []);
        bencher.bench_function(name, |bencher| {
            bencher.to_async(&runtime).iter(|| async {
                black_box(
                    evaluator
                        .evaluate(&mapping, request(black_box(&ticket), target))
                        .await,
                )
            });
        });
    }
}

criterion_group!(benches, mapping);
criterion_main!(benches);
