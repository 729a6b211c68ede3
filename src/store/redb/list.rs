//! Pages of transactions: the right keys in the right order, merged where several kinds are wanted.

use redb::{Key, Range, ReadOnlyTable, StorageError, Value};

use super::fault::decode;
use super::groups::fingerprint;
use super::schema::{
    COUNTER, OF_FINGERPRINT, OF_RECORD, OF_WORK_ORDER, PLACE, ROW, direction_of, state_of,
};
use super::view::{LONGEST_PAGE, View};
use crate::model::{ConnectorId, Direction, State, Transaction, TransactionId};
use crate::store::{ListOrder, ListQuery, Page, PageCursor, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

/// How many rows one page may look at, where a filter throws many away. The page then ends early, and
/// the next begins where this one stopped looking.
const MOST_LOOKED_AT: usize = 4 * LONGEST_PAGE;

/// Ids in the wanted order, all of one key.
type Ids = Box<dyn Iterator<Item = std::result::Result<u128, StorageError>>>;

/// The ids a page may show.
#[derive(Clone, Copy)]
struct Window {
    order: ListOrder,
    low: u128,
    high: u128,
}

impl Window {
    /// None when nothing can lie behind the cursor.
    fn of(query: &ListQuery) -> Option<Self> {
        let (mut low, mut high) = (0, u128::MAX);
        if let Some(PageCursor(after)) = query.after {
            match query.order {
                ListOrder::OldestFirst => low = after.as_u128().checked_add(1)?,
                ListOrder::NewestFirst => high = after.as_u128().checked_sub(1)?,
            }
        }
        Some(Self {
            order: query.order,
            low,
            high,
        })
    }

    /// The ids of a key's range, in order.
    fn ids<'k, K, V>(
        self,
        table: &ReadOnlyTable<K, V>,
        low: K::SelfType<'k>,
        high: K::SelfType<'k>,
        id: fn(K::SelfType<'_>) -> u128,
    ) -> Result<Ids>
    where
        K: Key + 'static,
        V: Value + 'static,
    {
        let range: Range<'static, K, V> = table.range::<K::SelfType<'k>>(low..=high)?;
        Ok(match self.order {
            ListOrder::OldestFirst => Box::new(range.map(move |entry| Ok(id(entry?.0.value())))),
            ListOrder::NewestFirst => {
                Box::new(range.rev().map(move |entry| Ok(id(entry?.0.value()))))
            }
        })
    }
}

/// Several rows of ids, merged into one.
struct Merged {
    order: ListOrder,
    heads: Vec<(u128, Ids)>,
}

impl Merged {
    fn new(order: ListOrder, sources: Vec<Ids>) -> Result<Self> {
        let mut heads = Vec::with_capacity(sources.len());
        for mut source in sources {
            if let Some(first) = source.next() {
                heads.push((first?, source));
            }
        }
        Ok(Self { order, heads })
    }

    fn next(&mut self) -> Result<Option<u128>> {
        let heads = self
            .heads
            .iter()
            .enumerate()
            .map(|(place, (id, _))| (*id, place));
        let first = match self.order {
            ListOrder::OldestFirst => heads.min(),
            ListOrder::NewestFirst => heads.max(),
        };
        let Some((id, place)) = first else {
            return Ok(None);
        };
        if let Some((head, source)) = self.heads.get_mut(place) {
            match source.next() {
                Some(next) => *head = next?,
                None => drop(self.heads.swap_remove(place)),
            }
        }
        Ok(Some(id))
    }
}

impl View {
    /// [`crate::store::Store::list`].
    pub(super) fn list(&self, query: &ListQuery) -> Result<Page<Transaction>> {
        let limit = query.limit.min(LONGEST_PAGE);
        let mut page = Page {
            items: Vec::new(),
            next: None,
        };
        let Some(window) = Window::of(query) else {
            return Ok(page);
        };
        let rows = self.txn.open_table(ROW)?;
        let mut ids = Merged::new(query.order, self.sources(query, window)?)?;
        let mut looked_at = 0;
        let mut last = None;
        while let Some(id) = ids.next()? {
            if page.items.len() == limit || looked_at == MOST_LOOKED_AT {
                page.next = last;
                break;
            }
            looked_at += 1;
            last = Some(PageCursor(TransactionId::from_u128(id)));
            if let Some(row) = rows.get(id)? {
                let transaction: Transaction = decode("transaction", row.value())?;
                if wanted(query, &transaction) {
                    page.items.push(transaction);
                }
            }
        }
        Ok(page)
    }

    fn sources(&self, query: &ListQuery, window: Window) -> Result<Vec<Ids>> {
        let Window { low, high, .. } = window;
        if let Some(record) = &query.record {
            let table = self.txn.open_table(OF_RECORD)?;
            let connectors = match &query.connector {
                Some(connector) => vec![connector.clone()],
                None => self.connectors()?,
            };
            let of = |connector: &ConnectorId| {
                let (connector, record) = (connector.as_str(), record.as_str());
                window.ids(
                    &table,
                    (connector, record, low),
                    (connector, record, high),
                    |key| key.2,
                )
            };
            return connectors.iter().map(of).collect();
        }
        if let Some(work_order) = query.work_order {
            let table = self.txn.open_table(OF_WORK_ORDER)?;
            return Ok(vec![window.ids(
                &table,
                (work_order.0, low),
                (work_order.0, high),
                |key| key.1,
            )?]);
        }
        if let Some(fingerprint) = &query.fingerprint {
            let table = self.txn.open_table(OF_FINGERPRINT)?;
            let text = fingerprint.as_str();
            return Ok(vec![window.ids(
                &table,
                (text, low),
                (text, high),
                |key| key.1,
            )?]);
        }
        if query.connector.is_none() && query.states.is_empty() && query.direction.is_none() {
            let table = self.txn.open_table(ROW)?;
            return Ok(vec![window.ids(&table, low, high, |key| key)?]);
        }
        self.places(query, window)
    }

    /// One source for each wanted place that has anything in it.
    fn places(&self, query: &ListQuery, window: Window) -> Result<Vec<Ids>> {
        let table = self.txn.open_table(PLACE)?;
        let mut sources = Vec::new();
        for entry in self.txn.open_table(COUNTER)?.range::<(&str, u8, u8)>(..)? {
            let key = entry?.0;
            let (connector, direction, state) = key.value();
            if wants_place(query, connector, direction_of(direction), state_of(state)) {
                let low = (connector, direction, state, window.low);
                let high = (connector, direction, state, window.high);
                sources.push(window.ids(&table, low, high, |key| key.3)?);
            }
        }
        Ok(sources)
    }
}

fn wants_place(
    query: &ListQuery,
    connector: &str,
    direction: Option<Direction>,
    state: Option<State>,
) -> bool {
    query
        .connector
        .as_ref()
        .is_none_or(|wanted| wanted.as_str() == connector)
        && (query.direction.is_none() || query.direction == direction)
        && (query.states.is_empty() || state.is_some_and(|state| query.states.contains(&state)))
}

fn wanted(query: &ListQuery, transaction: &Transaction) -> bool {
    let record = query.record.as_ref();
    let by_fingerprint = query.fingerprint.as_ref();
    wants_place(
        query,
        transaction.connector.as_str(),
        Some(transaction.direction),
        Some(transaction.state),
    ) && record.is_none_or(|wanted| transaction.record.as_ref() == Some(wanted))
        && query
            .work_order
            .is_none_or(|wanted| transaction.work_order == Some(wanted))
        && by_fingerprint.is_none_or(|wanted| {
            transaction.state == State::Dead && fingerprint(transaction).as_ref() == Some(wanted)
        })
}
